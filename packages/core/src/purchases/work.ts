import { attemptAll, backOffMs, claimDue } from '../attempts.js';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { goOn } from './approved.js';
import { openRequest } from './BuyRequest.js';
import type { SellerRequest } from './BuyRequest.js';
import { deliver } from './deliver.js';
import { settleByProof } from './fate.js';
import { settle } from './pay.js';
import { isOpen } from './Purchase.js';
import type { Purchase } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { CLAIM_MS, putOff } from './steps.js';

const MAX_WAIT_MS = 30_000;
/** How long after the end of an authorization the chain is first asked about it. */
const AFTER_END_MS = 2_000;
const AFTER_END_EVERY_MS = 5_000;
const SEND_MS = 10_000;

/**
 * Takes purchases on that nobody works on, one attempt each: the chain is asked what became of their money; where it was not moved and
 * the seller never answered, the same proof is sent again while it is valid. What was never signed is left.
 */
export function work(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  return workDue(core, { limit });
}

/** The same for those whose authorization is over: of these the chain alone is asked, and no seller of another one holds them up. */
export function workEnded(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  return workDue(core, { limit, which: 'valid_before <= $1' });
}

async function workDue(core: Core, due: { limit: number; which?: string }): Promise<JobReport> {
  const claimed = await claimDue(core, store.purchases, { ...due, claimMs: CLAIM_MS });
  const { done, failures } = await attemptAll(claimed, (purchase) => attempt(core, purchase));
  return { done: { purchases: done }, failures };
}

async function attempt(core: Core, claimed: Purchase): Promise<void> {
  if (!isOpen(claimed.state)) {
    return claimed.state === 'quoted' ? goOn(core, claimed) : void (await putOff(core, claimed, null));
  }
  let purchase = claimed;
  try {
    purchase = await settleByProof(core, claimed);
    if (isOpen(purchase.state) && mayBeSentAgain(core, purchase)) purchase = await sendAgain(core, purchase);
  } finally {
    // Whatever went wrong, it is tried again; the chain alone ends it.
    const kept = (await store.purchases.find(core.db, { id: claimed.id })) ?? purchase;
    if (isOpen(kept.state) && kept.attempts === claimed.attempts)
      await putOff(core, kept, new Date(nextAt(core, kept)));
  }
}

function mayBeSentAgain(core: Core, { state, validBefore }: Purchase): boolean {
  return (state === 'signed' || state === 'unknown') && core.clock.now() < (validBefore as Date).getTime();
}

/** The same proof once more; how it went is written down by whoever sends it. */
async function sendAgain(core: Core, purchase: Purchase): Promise<Purchase> {
  const { id, way, sealedRequest, validBefore } = purchase;
  const { facilitator } = core.ports;
  const until = Math.min(core.clock.now() + SEND_MS, (validBefore as Date).getTime());
  try {
    if (way !== 'seller')
      return facilitator ? (await settle(core, facilitator, purchase)).purchase : purchase;
    const { request } = openRequest<{ request: SellerRequest }>(core, id, sealedRequest as string);
    return (await deliver(core, purchase, { request, until })).purchase;
  } catch {
    return (await store.purchases.find(core.db, { id })) as Purchase;
  }
}

/** Less and less often; right after its end, when the chain can prove that it is over; then every few seconds. */
function nextAt(core: Core, { attempts, validBefore }: Purchase): number {
  const now = core.clock.now();
  const end = (validBefore as Date).getTime() + AFTER_END_MS;
  return now < end ? Math.min(now + backOffMs(attempts, MAX_WAIT_MS), end) : now + AFTER_END_EVERY_MS;
}
