import { AgentPayError, formatDecimal, inTime, isAgentPayError } from '@agentpay/primitives';
import type { TransferDialect } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { balanceOf, payingFor } from '../custody/index.js';
import { approvalOf, askApproval } from './approval.js';
import type { SellerRequest } from './BuyRequest.js';
import { deliver } from './deliver.js';
import type { Purchased } from './deliver.js';
import { candidatesIn } from './offers.js';
import type { Candidate, DemandToRead } from './offers.js';
import { sameTerms } from './Purchase.js';
import type { Purchase, PurchaseTerms } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { askSeller } from './sellerCall.js';
import type { SellerResponse } from './sellerCall.js';
import { quote, reject, reserveAndSign, waitFor } from './steps.js';
import type { PurchaseWithProof } from './steps.js';
import { withPermitTurn } from './turns.js';

/** Longest that a caller waits to hear that its wallet has more than the books know. */
const BALANCE_MS = 5_000;

/** The request of a purchase as it is kept. */
export interface KeptRequest {
  readonly request: SellerRequest;
  readonly dialects?: readonly TransferDialect[];
  /** Who may approve it beside the operator of the platform. */
  readonly ownerId?: string;
  /** Most that it may cost, base units of six decimals as digits. */
  readonly maxAmount?: string;
}

/** What a seller gave without asking for money. */
export interface Unasked {
  readonly purchase: null;
  readonly response: SellerResponse;
}

/** What somebody who works on a purchase goes by. */
export interface Working {
  readonly asked: KeptRequest;
  /** Ms since the Unix epoch. */
  readonly until: number;
  /** Approves the terms that the purchase waits with. */
  readonly approvalId?: string | undefined;
  /** See `BuyRequest`. */
  readonly early?: boolean | undefined;
}

/** From the 402 to the seller's response. @throws AgentPayError `seller_not_402` */
export async function acquire(core: Core, purchase: Purchase, working: Working): Promise<Purchased> {
  return whenAsked(await acquireAny(core, purchase, working));
}

/** @throws AgentPayError `seller_not_402` for what was given without payment */
export function whenAsked(got: Purchased | Unasked): Purchased {
  if (got.purchase) return got;
  throw notAsked(got.response);
}

function notAsked({ status }: SellerResponse): AgentPayError {
  return new AgentPayError('seller_not_402', `The seller answered ${status} instead of 402.`, {
    reason: 'status',
    details: { status },
  });
}

/** {@link acquire}, where a seller that asks for nothing is as welcome. */
export async function acquireAny(
  core: Core,
  purchase: Purchase,
  working: Working,
): Promise<Purchased | Unasked> {
  const { asked, until, approvalId } = working;
  const { request, dialects } = asked;
  let signed: PurchaseWithProof;
  try {
    const [asking, wallets] = await Promise.all([
      askSeller(core, request, until),
      payingFor(core.db, { holder: purchase.holder }),
    ]);
    if ('unasked' in asking) {
      await giveUp(core, purchase, notAsked(asking.unasked));
      return { purchase: null, response: asking.unasked };
    }
    const read: DemandToRead = { ...asking, wallets, dialects };
    const candidates = withinMax(candidatesIn(core, read), asked);
    const { terms } = purchase;
    const open = approvalId !== undefined && terms ? pinned(candidates, terms) : candidates;
    signed = await chooseAndSign(core, purchase, open, { approvalId, ownerId: asked.ownerId });
  } catch (error) {
    // Whoever asked is told what happened first: it may be that the signature was kept.
    await giveUp(core, purchase, error).catch(() => undefined);
    throw error;
  }
  const { ownerId } = asked;
  const early = working.early === true ? { ownerId } : undefined;
  return deliver(core, signed.purchase, { request, until, proof: signed.proof, early });
}

/** Nothing was signed: the purchase waits for whoever asks again. */
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

function withinMax(
  candidates: readonly [Candidate, ...Candidate[]],
  { maxAmount }: KeptRequest,
): readonly [Candidate, ...Candidate[]] {
  if (maxAmount === undefined) return candidates;
  const [first, ...others] = candidates.filter(({ offer }) => offer.amount <= BigInt(maxAmount));
  if (first) return [first, ...others];
  const [{ offer }] = candidates;
  const words = `$${formatDecimal(offer.amount)} is above the $${formatDecimal(BigInt(maxAmount))} that it may cost.`;
  throw new AgentPayError('budget_exceeded', words, { reason: 'per_request' });
}

function pinned(candidates: readonly Candidate[], terms: PurchaseTerms): [Candidate, ...Candidate[]] {
  const same = candidates.find((one) => sameTerms(one.terms, terms));
  if (same) return [same];
  throw new AgentPayError('offer_not_acceptable', 'The seller asks for something else than was approved.', {
    reason: 'terms_changed',
  });
}

/** Reserves and signs the first candidate that the gate allows. The refusal of the first one is what is told when it allows none. */
export async function chooseAndSign(
  core: Core,
  purchase: Purchase,
  candidates: readonly [Candidate, ...Candidate[]],
  options: { approvalId?: string | undefined; ownerId?: string | undefined } = {},
): Promise<PurchaseWithProof> {
  let first: { error: AgentPayError; candidate: Candidate } | undefined;
  let waiting: { error: AgentPayError; candidate: Candidate } | undefined;
  for (const candidate of candidates) {
    try {
      return await signFunded(core, purchase, candidate, options);
    } catch (error) {
      if (!isAgentPayError(error, 'policy_denied') && !isAgentPayError(error, 'insufficient_funds'))
        throw error;
      // It waits on, as it did before.
      if (options.approvalId !== undefined && error.reason === 'approval_required') throw error;
      first ??= { error, candidate };
      if (error.reason === 'approval_required') waiting ??= { error, candidate };
    }
  }
  if (waiting) throw await toBeApproved(core, purchase, waiting, options.ownerId);
  const { error, candidate } = first as NonNullable<typeof first>;
  await reject(core, purchase, { reason: error.reason ?? error.kind, terms: candidate.terms });
  throw error;
}

async function signFunded(
  core: Core,
  purchase: Purchase,
  candidate: Candidate,
  { approvalId }: Pick<Working, 'approvalId'>,
): Promise<PurchaseWithProof> {
  await assertFreshNonce(core, candidate);
  return withPermitTurn(core, purchase, candidate, (permitNonce) =>
    signOnceFunded(core, purchase, candidate, { approvalId, permitNonce }),
  );
}

/** Looks at the chain before it says that there is too little: money may have arrived since. */
async function signOnceFunded(
  core: Core,
  purchase: Purchase,
  candidate: Candidate,
  options: Parameters<typeof reserveAndSign>[3],
): Promise<PurchaseWithProof> {
  try {
    return await reserveAndSign(core, purchase, candidate, options);
  } catch (error) {
    if (!isAgentPayError(error, 'insufficient_funds')) throw error;
    const look = balanceOf(core, candidate.terms);
    const { available } = await inTime(core.clock, BALANCE_MS, look, chainAway);
    if (available < candidate.offer.amount) throw error;
    return reserveAndSign(core, purchase, candidate, options);
  }
}

function chainAway(): AgentPayError {
  return new AgentPayError('unavailable', 'The chain cannot be asked for the balance.', { retryAfter: 2 });
}

/** An offer that names its nonce can be paid once, whoever asks for what. */
async function assertFreshNonce(core: Core, { offer }: Candidate): Promise<void> {
  if (offer.method !== undefined) return;
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
  ownerId: string | undefined,
): Promise<AgentPayError> {
  const quoted = await quote(core, purchase, candidate.terms);
  const ruleId = error.details?.['ruleId'];
  const wanted = { ownerId, ruleId: typeof ruleId === 'string' ? ruleId : null };
  const approval = await askApproval(core, quoted, wanted);
  await waitFor(core, quoted, approval.id);
  return approvalOf(quoted, approval);
}
