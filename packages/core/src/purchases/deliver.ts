import { AgentPayError, OutboundError, sleep } from '@agentpay/primitives';
import type { IncomingResponse } from '@agentpay/primitives';
import { receiptIn, refusalCode } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import type { SellerRequest } from './BuyRequest.js';
import { awaitProof, provedWithin } from './fate.js';
import type { Purchase, PurchaseTerms } from './Purchase.js';
import { headerIn, MOST_RESPONSE, sendProof, shown } from './sellerCall.js';
import type { SellerResponse } from './sellerCall.js';
import { confirm, hear, proofOf } from './steps.js';
import type { PurchaseOutcome, PurchaseProof } from './steps.js';

/** A purchase with what came of it. */
export interface Purchased {
  readonly purchase: Purchase;
  readonly response: SellerResponse;
}

const MOST_ATTEMPTS = 4;
/** How long a delivered purchase is waited for to be proved. */
const PROOF_MS = 3_000;
/** How long what a seller has delivered may be unwritten while the chain is asked. */
const AT_ONCE_MS = 250;
/** Statuses of "not now". */
const NOT_NOW = [408, 409, 425, 429];

interface Answered {
  readonly outcome: 'deliver' | 'refuse';
  readonly response: IncomingResponse;
}

/** What one sending of the proof came to. */
type Heard =
  | Answered
  /** Not known: the same proof is sent again. */
  | { readonly outcome: 'lose'; readonly why: string; readonly status?: number; readonly waitMs?: number };

/**
 * Sends the one proof of a purchase until the seller answers, always the same, and no longer than `until`; then has the chain prove what
 * became of the money.
 * @throws AgentPayError `payment_refused`, `payment_unresolved`
 */
export async function deliver(
  core: Core,
  signed: Purchase,
  {
    request,
    until,
    proof = proofOf(core, signed),
    early,
  }: { request: SellerRequest; until: number; proof?: PurchaseProof; early?: Early | undefined },
): Promise<Purchased> {
  const heard = await sendUntilHeard(core, signed, { request, until, proof });
  if (heard.outcome === 'deliver') {
    const answer = answerOf(signed, heard, proof);
    const purchase = await delivered(core, signed, { answer, until, early });
    return { purchase, response: shown(heard.response, MOST_RESPONSE) };
  }
  const written = await write(core, signed, heard.outcome, answerOf(signed, heard, proof));
  const proved = await awaitProof(core, written, 0);
  throw failureOf(proved, 'response' in heard ? heard.response.status : heard.status);
}

/** The caller is answered before the proof, whose owner may ask for it as well. */
interface Early {
  readonly ownerId: string | undefined;
}

/** Writes down that the seller has delivered, and what the chain proves of the money. */
async function delivered(
  core: Core,
  signed: Purchase,
  { answer, until, early }: { answer: PurchaseOutcome; until: number; early: Early | undefined },
): Promise<Purchase> {
  const looking = provedWithin(core, { ...signed, claim: answer.claim ?? null }, AT_ONCE_MS);
  // What somebody may ask for again is kept before anything else is waited for.
  const kept = answer.response === null ? undefined : await write(core, signed, 'deliver', answer);
  const proved = proveDelivered(core, signed, { answer, kept, looking, until });
  if (early === undefined || !isTransaction(answer.claim) || !core.proofs.hasRoom) return proved;
  core.proofs.add([signed.partyId, signed.holder, ...(early.ownerId ? [early.ownerId] : [])], proved);
  return kept ?? { ...signed, ...answer };
}

/** Both in one step when the chain proves it at once. */
async function proveDelivered(
  core: Core,
  signed: Purchase,
  { answer, kept, looking, until }: Delivered,
): Promise<Purchase> {
  const reference = await looking;
  if (reference !== undefined) return confirm(core, kept ?? signed, reference, answer);
  const purchase = kept ?? (await write(core, signed, 'deliver', answer));
  return awaitProof(core, purchase, Math.min(PROOF_MS, until - core.clock.now()));
}

interface Delivered {
  readonly answer: PurchaseOutcome;
  /** With the response, where that is written down. */
  readonly kept: Purchase | undefined;
  /** The transaction by which the chain proves the payment. */
  readonly looking: Promise<string | undefined>;
  readonly until: number;
}

/** Whether a seller named what can be looked for. */
function isTransaction(claim: string | null | undefined): boolean {
  return /^0x[0-9a-f]{64}$/i.test(claim ?? '');
}

/** Why a purchase that the gate refused, or whose proof was sent, gave nothing. */
export function failureOf(purchase: Purchase, status?: number): AgentPayError {
  const { id, state, reference, failure, transactionId } = purchase;
  if (state === 'rejected')
    return failure === 'insufficient_funds'
      ? new AgentPayError('insufficient_funds', 'The wallet had less money than that.')
      : new AgentPayError('policy_denied', 'The payment was refused.', { reason: failure ?? 'rejected' });
  const details = { purchaseId: id, transactionId, ...(status !== undefined && { status }), reference };
  const reason = failure ?? undefined;
  if (state === 'refused' || state === 'released' || (state === 'confirmed' && status !== undefined))
    return new AgentPayError(
      'payment_refused',
      state === 'confirmed'
        ? 'The seller took the money and refused to deliver.'
        : 'The seller refused the payment. No other was signed.',
      { details, ...(reason !== undefined && { reason }) },
    );
  return new AgentPayError('payment_unresolved', 'The seller gave no response to a payment.', {
    details,
    ...(reason !== undefined && { reason }),
  });
}

async function sendUntilHeard(
  core: Core,
  signed: Purchase,
  { request, until, proof }: { request: SellerRequest; until: number; proof: PurchaseProof },
): Promise<Heard> {
  const { url } = signed.terms as PurchaseTerms;
  for (let attempt = 1; ; attempt++) {
    const timeoutMs = Math.max(1, until - core.clock.now());
    const heard = await sendProof(core, request, { url, ...proof, timeoutMs }).then(judge, lost);
    if (heard.outcome !== 'lose') return heard;
    const waitMs = heard.waitMs ?? 250 * 2 ** (attempt - 1);
    if (attempt >= MOST_ATTEMPTS || core.clock.now() + waitMs >= until) return heard;
    await sleep(core.clock, waitMs);
  }
}

function judge(response: IncomingResponse): Heard {
  const { status } = response;
  if (status >= 200 && status < 300) return { outcome: 'deliver', response };
  if (status >= 500 || NOT_NOW.includes(status))
    return { outcome: 'lose', why: `status_${status}`, status, ...waitOf(response) };
  return { outcome: 'refuse', response };
}

function lost(error: unknown): Heard {
  if (error instanceof OutboundError) return { outcome: 'lose', why: error.fault };
  throw error;
}

function waitOf({ headers }: IncomingResponse): { waitMs?: number } {
  const asked = headers['retry-after'] ?? '';
  return /^\d{1,4}$/.test(asked) ? { waitMs: Math.max(250, Number(asked) * 1000) } : {};
}

function write(
  core: Core,
  signed: Purchase,
  outcome: Heard['outcome'],
  answer: PurchaseOutcome,
): Promise<Purchase> {
  return hear(core, signed, { outcome, ...answer, nextAttemptAt: new Date(core.clock.now() + 1_000) });
}

/** What is kept of what was heard. */
function answerOf(signed: Purchase, heard: Heard, proof: PurchaseProof): PurchaseOutcome {
  if (heard.outcome === 'lose') return { failure: heard.why };
  const { outcome, response } = heard;
  const { dialect, network } = signed.terms as PurchaseTerms;
  const receipt = receiptIn({ dialect, network, proof: proof.value }, headerIn(response));
  const claim = receipt?.transaction.slice(0, 200) ?? null;
  const { status, contentType, body } = shown(response, MOST_RESPONSE);
  if (outcome === 'refuse')
    return { claim, failure: refusalCode(headerIn(response), response.body) ?? `status_${status}` };
  // Kept for whoever asks again; without a key or an approval nobody can.
  const kept = signed.idempotencyKey === null && signed.approvalId === null ? null : body;
  return { claim, sellerStatus: status, contentType, response: kept };
}
