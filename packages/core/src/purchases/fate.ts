import { AgentPayError, inTime, sleep } from '@agentpay/primitives';
import { permitEnd, toAuthorization, toPermit2Authorization } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { chainOf, permitsOf } from '../custody/index.js';
import { isOpen } from './Purchase.js';
import type { Authorized, Purchase, PurchaseTerms } from './Purchase.js';
import { confirm, release } from './steps.js';

const ASK_EVERY_MS = 200;
/** Time that the chain has for one look, though nobody wants to wait. */
const LOOK_MS = 3_000;

/**
 * Ends a purchase by what its chain proves: confirmed by the transfer itself; released when the nonce was used for something else, or was
 * unused in a block past the end of the authorization. Gives it as it then is; unchanged when nothing is proved.
 */
export async function settleByProof(core: Core, purchase: Purchase): Promise<Purchase> {
  if (!isOpen(purchase.state)) return purchase;
  const fate = await fateOf(core, purchase);
  if (fate === undefined) return purchase;
  if (fate.use === 'unused') {
    const isOver = fate.at >= endOf(purchase.authorized as Authorized);
    return isOver ? release(core, purchase, 'not_settled_in_time') : purchase;
  }
  if (fate.use === 'other') return release(core, purchase, 'nonce_used_otherwise');
  return confirm(core, purchase, fate.transaction);
}

/** The transaction by which the chain proves within so many ms that a purchase was paid; undefined when it does not. */
export async function provedWithin(
  core: Core,
  purchase: Purchase,
  withinMs: number,
): Promise<string | undefined> {
  const fate = await inTime(core.clock, withinMs, fateOf(core, purchase), tooLong).catch(() => undefined);
  return fate?.use === 'payment' ? fate.transaction : undefined;
}

function fateOf(core: Core, purchase: Purchase) {
  const { network } = purchase.terms as PurchaseTerms;
  const authorized = purchase.authorized as Authorized;
  const hint = purchase.claim ?? undefined;
  if ('witness' in authorized)
    return permitsOf(core, network).fateOf(toPermit2Authorization(authorized), hint);
  return chainOf(core, network).fateOf(toAuthorization(authorized), hint);
}

/** The first second, since the Unix epoch, in which no block can take it. */
function endOf(authorized: Authorized): bigint {
  return 'witness' in authorized
    ? permitEnd(toPermit2Authorization(authorized))
    : BigInt(authorized.validBefore);
}

/** {@link settleByProof} for somebody who waits: asked again for a while, and a chain that is away, or takes long, proves nothing. */
export async function awaitProof(core: Core, purchase: Purchase, waitMs: number): Promise<Purchase> {
  const began = core.clock.now();
  const until = began + waitMs;
  const last = Math.max(until, began + LOOK_MS);
  for (let now = purchase; ;) {
    const leftMs = last - core.clock.now();
    now = await inTime(core.clock, leftMs, settleByProof(core, now), tooLong).catch(() => now);
    if (!isOpen(now.state) || core.clock.now() + ASK_EVERY_MS > until) return now;
    await sleep(core.clock, ASK_EVERY_MS);
  }
}

function tooLong(): AgentPayError {
  return new AgentPayError('unavailable', 'The chain takes too long.');
}
