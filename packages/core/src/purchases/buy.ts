import { AgentPayError, isAgentPayError, newId, sleep } from '@agentpay/primitives';
import type { TransferDialect } from '@agentpay/protocol';
import { request as requestApproval } from '../approvals/index.js';
import type { Approval } from '../approvals/index.js';
import type { Core } from '../Core.js';
import { balanceOf, ofHolder } from '../custody/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { checkOptionalText } from '../text.js';
import { digestOf, openRequest, sealRequest, sellerRequest } from './BuyRequest.js';
import type { SellerRequest } from './BuyRequest.js';
import { deliver, failureOf } from './deliver.js';
import type { Purchased } from './deliver.js';
import { awaitProof } from './fate.js';
import { candidatesIn } from './offers.js';
import type { Candidate, DemandToRead } from './offers.js';
import { sameTerms } from './Purchase.js';
import type { Purchase, PurchaseTerms } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { askSeller } from './sellerCall.js';
import { approvedTerms, CLAIM_MS, putOff, quote, reject, reopen, reserve, signReserved } from './steps.js';
import type { Reserved } from './steps.js';

/** Everything of a call is over by then, so that it is answered within 30 seconds. */
const WHOLE_MS = 25_000;
const LOOK_EVERY_MS = 150;

/** What an agent wants to have. */
export interface BuyRequest {
  readonly principal: Principal;
  /** Whose wallets pay; those of the party itself when absent. */
  readonly holder?: string | undefined;
  /** The same key and request again are the same purchase: its response, or the same proof once more. */
  readonly idempotencyKey?: string | undefined;
  readonly url: string;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** Who may approve it beside the operator of the platform, where the rules ask for an approval. */
  readonly ownerId?: string | undefined;
  /** In which protocols it may be paid; any when absent. */
  readonly protocols?: readonly ('x402' | 'mpp')[] | undefined;
}

/** The request of a purchase as it is kept. */
interface KeptRequest {
  readonly request: SellerRequest;
  readonly dialects?: readonly TransferDialect[];
}

/**
 * Calls a seller for an agent, pays what its 402 asks for if the rules of the agent allow it, and gives what the seller then answers. One
 * signature at most: whatever is lost, the same proof is sent again, by this call, by another with the same key, or by `work`.
 * @throws AgentPayError `invalid_request`, `settlement_not_configured`, `seller_not_402`, `no_payment_header`, `offer_not_acceptable`,
 * `policy_denied` and `insufficient_funds` (nothing was signed), `payment_refused`, `payment_unresolved`, `payment_in_progress`, `conflict`
 */
export async function buy(core: Core, given: BuyRequest): Promise<Purchased> {
  const partyId = requireParty(given.principal, 'agent', 'user');
  const request = sellerRequest(given);
  const { protocols, holder = partyId } = given;
  const asked: KeptRequest = { request, ...(protocols && { dialects: dialectsOf(protocols) }) };
  const until = core.clock.now() + WHOLE_MS;
  const idempotencyKey = checkOptionalText('idempotencyKey', given.idempotencyKey);
  const fresh = draft(core, { partyId, holder, idempotencyKey, asked });
  const working = { asked, until, ownerId: given.ownerId };
  if (await store.purchases.insertNew(core.db, fresh)) return work(core, fresh, working);
  return again(core, fresh, working);
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
  const until = core.clock.now() + WHOLE_MS;
  if (purchase.state !== 'quoted') {
    await putOff(core, purchase, purchase.nextAttemptAt && new Date(core.clock.now()));
    throw new AgentPayError('payment_wrong_state', `The purchase is ${purchase.state}.`);
  }
  const asked = openRequest<KeptRequest>(core, purchase.id, purchase.sealedRequest as string);
  return work(core, purchase, { asked, until, approvalId });
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

interface Working {
  readonly asked: KeptRequest;
  /** Ms since the Unix epoch. */
  readonly until: number;
  readonly ownerId?: string | undefined;
  /** Approves the terms that the purchase waits with. */
  readonly approvalId?: string | undefined;
}

/** From the 402 to the seller's answer. */
async function work(core: Core, purchase: Purchase, working: Working): Promise<Purchased> {
  const { asked, until, approvalId } = working;
  const { request, dialects } = asked;
  let chosen: { reserved: Reserved; candidate: Candidate };
  try {
    const wallets = await ofHolder(core.db, { holder: purchase.holder });
    const read: DemandToRead = { ...(await askSeller(core, request)), wallets, dialects };
    const candidates = candidatesIn(core, read);
    const { terms } = purchase;
    const open = approvalId !== undefined && terms ? pinned(candidates, terms) : candidates;
    chosen = await chooseAndReserve(core, purchase, open, working);
  } catch (error) {
    await giveUp(core, purchase, error);
    throw error;
  }
  const { reserved, candidate } = chosen;
  const signed = await signReserved(core, reserved, candidate);
  return deliver(core, signed.purchase, { request, until });
}

/** Nothing was reserved: the purchase waits for whoever asks again. */
async function giveUp(core: Core, { id }: Purchase, error: unknown): Promise<void> {
  const kept = await store.purchases.find(core.db, { id });
  if (kept?.state !== 'requested' && kept?.state !== 'quoted') return;
  const failure = isAgentPayError(error) ? (error.reason ?? error.kind) : 'internal_error';
  await store.purchases.update(
    core.db,
    { id, state: kept.state, attempts: kept.attempts },
    { failure, nextAttemptAt: null },
  );
}

function pinned(candidates: readonly Candidate[], terms: PurchaseTerms): [Candidate, ...Candidate[]] {
  const same = candidates.find((one) => sameTerms(one.terms, terms));
  if (same) return [same];
  throw new AgentPayError('offer_not_acceptable', 'The seller asks for something else than was approved.', {
    reason: 'terms_changed',
  });
}

/** Reserves the first candidate that the gate allows. The refusal of the first one is what is told when it allows none. */
export async function chooseAndReserve(
  core: Core,
  purchase: Purchase,
  candidates: readonly [Candidate, ...Candidate[]],
  options: Pick<Working, 'approvalId' | 'ownerId'> = {},
): Promise<{ reserved: Reserved; candidate: Candidate }> {
  let first: { error: AgentPayError; candidate: Candidate } | undefined;
  let waiting: { error: AgentPayError; candidate: Candidate } | undefined;
  for (const candidate of candidates) {
    try {
      return { reserved: await reserveFunded(core, purchase, candidate, options), candidate };
    } catch (error) {
      if (!isAgentPayError(error, 'policy_denied') && !isAgentPayError(error, 'insufficient_funds'))
        throw error;
      // It waits on, as it did before.
      if (options.approvalId !== undefined && error.reason === 'approval_required') throw error;
      first ??= { error, candidate };
      if (error.reason === 'approval_required') waiting ??= { error, candidate };
    }
  }
  if (waiting) throw await toBeApproved(core, purchase, waiting, options);
  const { error, candidate } = first as NonNullable<typeof first>;
  await reject(core, purchase, { reason: error.reason ?? error.kind, terms: candidate.terms });
  throw error;
}

/** Looks at the chain before it says that there is too little: money may have arrived since. */
async function reserveFunded(
  core: Core,
  purchase: Purchase,
  candidate: Candidate,
  options: Pick<Working, 'approvalId'>,
): Promise<Reserved> {
  await assertFreshNonce(core, candidate);
  try {
    return await reserve(core, purchase, candidate, options);
  } catch (error) {
    if (!isAgentPayError(error, 'insufficient_funds')) throw error;
    const { available } = await balanceOf(core, candidate.terms).catch((cause: unknown) => {
      throw new AgentPayError('unavailable', 'The chain cannot be asked for the balance.', {
        cause,
        retryAfter: 2,
      });
    });
    if (available < candidate.offer.amount) throw error;
    return reserve(core, purchase, candidate, options);
  }
}

/** An offer that names its nonce can be paid once, whoever asks for what. */
async function assertFreshNonce(core: Core, { offer }: Candidate): Promise<void> {
  const { nonce, payer: from } = offer;
  if (nonce !== undefined && (await store.isNonceTaken(core.db, { from, nonce })))
    throw new AgentPayError('offer_not_acceptable', 'The challenge was answered before.', {
      reason: 'challenge_reused',
    });
}

/** The terms are pinned, and whoever may approve them is asked. */
async function toBeApproved(
  core: Core,
  purchase: Purchase,
  { candidate, error }: { candidate: Candidate; error: AgentPayError },
  { ownerId }: Pick<Working, 'ownerId'>,
): Promise<AgentPayError> {
  const quoted = await quote(core, purchase, candidate.terms);
  const ruleId = error.details?.['ruleId'];
  const wanted = { ownerId, ruleId: typeof ruleId === 'string' ? ruleId : null };
  return approvalOf(quoted, await askApproval(core, quoted, wanted));
}

/** The approval of a quoted purchase: the one that was asked for, if it stands. */
function askApproval(
  core: Core,
  quoted: Purchase,
  { ownerId = null, ruleId = null }: { ownerId?: string | null | undefined; ruleId?: string | null } = {},
): Promise<Approval> {
  const terms = approvedTerms(core, quoted, quoted.terms as PurchaseTerms);
  return requestApproval(core, { ...terms, reference: quoted.id, ownerId, ruleId });
}

function approvalOf({ id: purchaseId }: Purchase, { id: approvalId }: Approval): AgentPayError {
  return new AgentPayError('policy_denied', 'A payment of this amount needs the approval of its owner.', {
    reason: 'approval_required',
    details: { purchaseId, approvalId },
  });
}

/** The key was used before: what came of that. */
async function again(core: Core, fresh: Purchase, working: Working): Promise<Purchased> {
  const { holder, idempotencyKey } = fresh;
  for (;;) {
    const kept = await store.purchases.find(core.db, { holder, idempotencyKey });
    if (!kept) throw inProgress();
    if (kept.digest !== fresh.digest)
      throw new AgentPayError('conflict', 'The idempotency key was used for another request.', {
        param: 'idempotencyKey',
      });
    const known = outcomeOf(kept);
    if (known) return { ...known, purchase: await awaitProof(core, known.purchase, 0) };
    const mine = await taken(core, kept.id);
    if (mine) return resume(core, mine, working);
    if (core.clock.now() + LOOK_EVERY_MS > working.until) throw inProgress();
    await sleep(core.clock, LOOK_EVERY_MS);
  }
}

/** What is settled for whoever asks again; undefined when there is something to do or to wait for. */
function outcomeOf(kept: Purchase): Purchased | undefined {
  const { state, sellerStatus: status, contentType, response: body } = kept;
  if (status !== null && body !== null)
    return { purchase: kept, response: { status, contentType, body, truncated: false } };
  if (state === 'rejected' || state === 'released' || state === 'refused') throw failureOf(kept);
  return undefined;
}

async function resume(core: Core, mine: Purchase, working: Working): Promise<Purchased> {
  if (mine.state === 'requested') return work(core, mine, working);
  if (mine.state === 'quoted') return resumeQuoted(core, mine, working);
  if (mine.state === 'reserved') return work(core, await reopen(core, mine), working);
  const ends = (mine.validBefore as Date).getTime();
  if (core.clock.now() < ends)
    return deliver(core, mine, { request: working.asked.request, until: Math.min(working.until, ends) });
  await putOff(core, mine, mine.endedAt ? null : new Date(core.clock.now()));
  throw failureOf(mine);
}

/** Its owner may have decided meanwhile. */
async function resumeQuoted(core: Core, mine: Purchase, working: Working): Promise<Purchased> {
  const approval = await askApproval(core, mine, working);
  if (approval.status === 'approved') return work(core, mine, { ...working, approvalId: approval.id });
  if (approval.status === 'pending') {
    await putOff(core, mine, null);
    throw approvalOf(mine, approval);
  }
  const reason = `approval_${approval.status}`;
  await reject(core, mine, { reason, terms: mine.terms as PurchaseTerms });
  throw new AgentPayError('policy_denied', 'The owner has not approved the payment.', { reason });
}

/** Takes a purchase on. @throws AgentPayError `purchase_not_found` */
async function taken(core: Core, id: string): Promise<Purchase | undefined> {
  const now = core.clock.now();
  const mine = await store.take(core.db, { id, now: new Date(now), until: new Date(now + CLAIM_MS) });
  if (mine || (await store.purchases.find(core.db, { id }))) return mine;
  throw new AgentPayError('purchase_not_found', 'There is no purchase with this id.');
}

function draft(
  core: Core,
  {
    partyId,
    holder,
    idempotencyKey,
    asked,
  }: Pick<Purchase, 'partyId' | 'holder' | 'idempotencyKey'> & { asked: KeptRequest },
): Purchase {
  const id = newId('purchase', core);
  const now = core.clock.now();
  return {
    id,
    partyId,
    holder,
    idempotencyKey,
    way: 'seller',
    method: asked.request.method,
    url: asked.request.url,
    digest: digestOf(asked),
    sealedRequest: sealRequest(core, id, asked),
    ...blank,
    nextAttemptAt: new Date(now + CLAIM_MS),
    createdAt: new Date(now),
  };
}

/** A purchase of which nothing is known but what is asked for. */
export const blank = {
  state: 'requested',
  terms: null,
  transactionId: null,
  holdId: null,
  authorized: null,
  sealedProof: null,
  validBefore: null,
  reference: null,
  claim: null,
  failure: null,
  sellerStatus: null,
  contentType: null,
  response: null,
  attempts: 0,
  endedAt: null,
} as const;

function dialectsOf(protocols: readonly ('x402' | 'mpp')[]): TransferDialect[] {
  return protocols.flatMap((protocol) =>
    protocol === 'mpp' ? ['mpp' as const] : (['x402v2', 'x402v1'] as const),
  );
}

function inProgress(): AgentPayError {
  return new AgentPayError('payment_in_progress', 'This purchase is being made.', { retryAfter: 1 });
}
