import type { Core } from '../Core.js';
import { claim, finish, once, release } from '../idempotency/index.js';
import type { RepeatableRequest } from '../idempotency/index.js';
import type { Principal } from '../identity/index.js';
import { within } from '../within.js';
import type { Agreement } from './Agreement.js';
import { checkDirect } from './checkDirect.js';
import type { DirectProposal } from './checkDirect.js';
import { get } from './operations.js';
import { propose } from './propose.js';

/**
 * Proposes a direct purchase to the provider of a service: payment and fee are signed already, and nothing moves before the seller accepts.
 * The limits of the buyer count the amount from now on, as they do for any agreement. Once per key, where there is one.
 * @throws AgentPayError as `checkDirect` and `propose` do; `payment_already_used`
 */
export async function proposeDirect(
  core: Core,
  request: DirectProposal & {
    readonly principal: Principal;
    readonly description?: string | undefined;
    readonly repeatable?: RepeatableRequest | undefined;
  },
): Promise<Agreement> {
  const { principal, repeatable, serviceId, amount: cap, description } = request;
  const claimed = repeatable && (await claim(core, repeatable));
  if (claimed && 'response' in claimed) return get(core, { principal, agreementId: claimed.response.body });
  try {
    // It asks chain and facilitator, for which no transaction waits.
    const direct = await checkDirect(core, request);
    const { until: endsAt } = direct;
    const terms = { cap, unitPrice: cap, unit: 'purchase', endsAt, challengeSeconds: 0, description };
    return await core.db.tx((tx) =>
      within(core, tx, async (inner) => {
        const made = await propose(inner, { principal, serviceId, terms, direct });
        if (claimed) await finish(tx, { claim: claimed.claim, response: { status: 201, body: made.id } });
        return made;
      }),
    );
  } catch (error) {
    if (claimed) await release(core, claimed.claim);
    throw error;
  }
}

/** {@link propose}, once per key, where there is one. */
export async function proposeOnce(
  core: Core,
  { repeatable, ...request }: Parameters<typeof propose>[1] & { repeatable?: RepeatableRequest | undefined },
): Promise<Agreement> {
  if (!repeatable) return propose(core, request);
  const stored = await once(core, repeatable, async (inner) => ({
    status: 201,
    body: (await propose(inner, request)).id,
  }));
  return get(core, { principal: request.principal, agreementId: stored.body });
}
