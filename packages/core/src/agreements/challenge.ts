import type { Amount } from '@agentpay/primitives';
import { AgentPayError } from '@agentpay/primitives';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import type { Agreement } from './Agreement.js';
import { assertSide, moveIn, visible, wantsOf, wrongState } from './operations.js';
import { settleIn, settleWants } from './settle.js';
import * as store from './AgreementStore.js';

/** The rows that a challenge and its decision ask for. */
export function challengeWants(agreement: Agreement): Want[] {
  return [...wantsOf(agreement), ...settleWants(agreement)];
}

/**
 * The buyer objects before the seller is paid: settlement waits for a decision.
 * @throws AgentPayError `agreement_not_found`, `forbidden` for the seller, `agreement_wrong_state` outside the challenge window
 */
export function challengeIn(
  core: Core,
  scene: Scene,
  { principal, agreementId }: { principal: Principal; agreementId: string },
): Agreement {
  const agreement = visible(scene.find(store.agreementRows, agreementId), principal);
  assertSide(principal, agreement, 'buyer');
  const ends = agreement.challengeEndsAt?.getTime() ?? 0;
  if (agreement.status === 'challenge_window' && core.clock.now() >= ends) throw wrongState(agreement);
  return moveIn(core, scene, agreement, 'challenge');
}

/**
 * The decision about a challenged agreement: the buyer gets `refund` of what was used back, the seller the rest.
 * @throws AgentPayError `invalid_amount` for more than was used, `agreement_wrong_state` while calls are under way
 */
export function decideChallengeIn(
  core: Core,
  scene: Scene,
  { agreementId, refund }: { agreementId: string; refund: Amount | 'all' },
): Agreement {
  const agreement = scene.find(store.agreementRows, agreementId) as Agreement;
  if (agreement.reserved > 0n)
    throw new AgentPayError('agreement_wrong_state', 'Calls are still under way: decide when they ended.', {
      reason: 'calls_under_way',
    });
  const back = refund === 'all' ? agreement.used : refund;
  if (back > agreement.used)
    throw new AgentPayError('invalid_amount', 'That is more than was used of the agreement.', {
      param: 'refundAmount',
    });
  return settleIn(core, scene, agreement, agreement.used - back);
}
