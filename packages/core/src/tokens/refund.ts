import type { Queryable } from '@agentpay/primitives';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { advance } from './advance.js';
import { decide, refusal } from './Token.js';
import type { Token } from './Token.js';
import { paymentTokens, tokenRows } from './TokenStore.js';

/** The token that settled into a payment, for ever the same; undefined when the payment was made otherwise. */
export async function idOfPayment(
  db: Queryable,
  { paymentId }: { paymentId: string },
): Promise<string | undefined> {
  return (await paymentTokens.find(db, { paymentId }))?.id;
}

/**
 * It was decided against the provider that the payment of a token goes back: the token is `refunded`, and its service less trusted. The
 * caller moves the money, in the same batch.
 * @throws AgentPayError `token_wrong_state`
 */
export function refundIn(core: Core, scene: Scene, { tokenId }: { tokenId: string }): Token {
  const token = scene.find(tokenRows, tokenId) as Token;
  const nowMs = core.clock.now();
  const decision = decide(token, 'refund', nowMs);
  if (decision.kind !== 'advance') throw refusal(token.state, 'refund');
  return advance(core, scene, token, decision.to, nowMs);
}
