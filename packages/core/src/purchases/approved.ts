import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import { approvalRows, decideIn } from '../approvals/index.js';
import type { Approval } from '../approvals/index.js';
import { backOffMs } from '../attempts.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { checkOptionalText } from '../text.js';
import { acquire } from './acquire.js';
import type { KeptRequest } from './acquire.js';
import { approvalFor } from './approval.js';
import { openRequest } from './BuyRequest.js';
import type { Purchased } from './deliver.js';
import type { Purchase, PurchaseTerms } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { purchaseRows } from './PurchaseStore.js';
import { inProgress, putOff, reject, taken } from './steps.js';

/** How long after the decision a seller that cannot be reached is called again. */
const GO_ON_MS = 15 * 60_000;
const MAX_WAIT_MS = 60_000;
/** What may be otherwise in a while; anything else ends the purchase. */
const PASSING = ['seller_not_402', 'unavailable', 'internal_error'] as const;

/**
 * The owner, or the operator of the platform, decides about what waits, once; again changes nothing. A purchase then goes on, or ends,
 * by itself.
 * @throws AgentPayError `approval_not_found`, `forbidden` for who wants to spend, `approval_wrong_state`
 */
export function decide(
  core: Core,
  {
    principal,
    approvalId,
    event,
    note,
  }: {
    principal: Principal;
    approvalId: string;
    event: 'approve' | 'reject';
    note?: string | undefined;
  },
): Promise<Approval> {
  const written = checkOptionalText('description', note);
  return core.batch.run({
    wants: [[approvalRows, [approvalId]]],
    lane: approvalId,
    decide(scene) {
      const approval = decideIn(core, scene, { principal, approvalId, event, note: written });
      const waits = approval.subject === 'purchase' && scene.find(purchaseRows, approval.reference);
      if (waits && waits.state === 'quoted' && waits.way === 'seller' && waits.nextAttemptAt === null)
        scene.update(purchaseRows, waits, { nextAttemptAt: new Date(core.clock.now()) });
      return approval;
    },
  });
}

/**
 * Goes on with a purchase that its owner has approved: exactly the call that was asked for, and exactly the terms that were shown.
 * @throws AgentPayError as {@link buy}; `purchase_not_found`; `offer_not_acceptable` with the reason `terms_changed`
 */
export async function proceed(
  core: Core,
  { purchaseId, approvalId }: { purchaseId: string; approvalId: string },
): Promise<Purchased> {
  const purchase = await taken(core, purchaseId);
  if (!purchase) throw inProgress();
  const until = core.clock.now() + core.settings.purchases.answerMs;
  if (purchase.state !== 'quoted') {
    await putOff(core, purchase, purchase.nextAttemptAt && new Date(core.clock.now()));
    throw new AgentPayError('payment_wrong_state', `The purchase is ${purchase.state}.`);
  }
  const asked = openRequest<KeptRequest>(core, purchase.id, purchase.sealedRequest as string);
  return acquire(core, purchase, { asked, until, approvalId });
}

/** Ends a purchase that its owner did not approve. @throws AgentPayError `purchase_not_found`, `payment_wrong_state` */
export async function refuse(
  core: Core,
  { purchaseId, reason }: { purchaseId: string; reason: string },
): Promise<Purchase> {
  const purchase = await taken(core, purchaseId);
  if (!purchase) throw inProgress();
  if (purchase.state === 'quoted')
    return reject(core, purchase, { reason, terms: purchase.terms as PurchaseTerms });
  await putOff(core, purchase, purchase.nextAttemptAt && new Date(core.clock.now()));
  throw new AgentPayError('payment_wrong_state', `The purchase is ${purchase.state}.`);
}

/** Goes on with a purchase that waited, as its approval was decided: one attempt. */
export async function goOn(core: Core, mine: Purchase): Promise<void> {
  // The caller has the 402, and comes back with it.
  if (mine.way !== 'seller') return void (await putOff(core, mine, null));
  const asked = openRequest<KeptRequest>(core, mine.id, mine.sealedRequest as string);
  let approval: Approval | undefined;
  try {
    approval = await approvalFor(core, mine, asked);
    const until = core.clock.now() + core.settings.purchases.answerMs;
    await acquire(core, mine, { asked, until, approvalId: approval.id });
  } catch (error) {
    // Whether it waits, has ended or was sent is written down.
    const kept = await store.purchases.find(core.db, { id: mine.id });
    if (!approval || kept?.state !== 'quoted' || kept.attempts !== mine.attempts) return;
    await tryLater(core, kept, { error, approval });
  }
}

/** Nothing was signed: tried again for a while where that can help, ended otherwise. */
async function tryLater(
  core: Core,
  kept: Purchase,
  { error, approval }: { error: unknown; approval: Approval },
): Promise<void> {
  const now = core.clock.now();
  const known = isAgentPayError(error) ? error : undefined;
  const passing = !known || PASSING.some((kind) => known.kind === kind);
  if (passing && now < (approval.decidedAt as Date).getTime() + GO_ON_MS)
    return void (await putOff(core, kept, new Date(now + backOffMs(kept.attempts, MAX_WAIT_MS))));
  const reason = known?.reason ?? known?.kind ?? 'internal_error';
  await reject(core, kept, { reason, terms: kept.terms as PurchaseTerms });
}
