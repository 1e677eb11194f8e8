import { isAgentPayError, sleep } from '@agentpay/primitives';
import { refusalCode } from '@agentpay/protocol';
import type { BufferedRequest } from './BufferedRequest.js';
import { tell } from './tell.js';
import type { ClientState } from './ClientState.js';
import { isOrdered, isVoidOrder, payByAgentpay } from './dialects/byAgentpay.js';
import { isVoidToken } from './dialects/token.js';
import { exchange } from './exchange.js';
import { settlementOf, settlementSentence } from './settlementOf.js';
import { PaymentError } from './PaymentError.js';
import type { Peeked } from './peek.js';
import type { SignedPurchase } from './Purchase.js';
import { paymentFor, readReceipt, rememberPayment, type PaymentMade } from './Receipt.js';
import { describeRefusal } from './refusal.js';
import { backoffMs, retryAfterMs } from './retryAfter.js';

/** Responses up to this length are read to their end before they count as arrived. */
const MAX_KEPT = 1024 * 1024;
/** Longest body of a refusal that is searched for a reason. */
const MAX_REFUSAL = 64 * 1024;
const MAX_WAIT_MS = 30_000;
/** Statuses that ask for a retry when they come with Retry-After. */
const NOT_NOW = [409, 429, 503];
/** Refusals that are temporary. */
const PASSING = [408, 425, 429];

/**
 * Writes the purchase down and sends its proof until there is a response: the same proof, a bounded number of times, while it is valid.
 * @throws PaymentError `payment_refused` when the seller asks for payment again, `payment_unresolved` when there was no response
 */
export async function deliver(
  client: ClientState,
  request: BufferedRequest,
  opened: SignedPurchase,
): Promise<Response> {
  let purchase = opened;
  let ended = false;
  try {
    await client.purchases.record(purchase);
    if (isOrdered(purchase)) {
      purchase = await payByAgentpay(client.settings, request, purchase).catch(async (error: unknown) => {
        ended = await concludeUnpaid(client, opened, error);
        throw error;
      });
      await client.purchases.record(purchase);
    }
    const payment = paymentFor(purchase);
    const { response, bytes } = await sendUntilReceived(client, request, purchase, payment);
    const receipt = readReceipt(purchase, response.headers);
    ended = await conclude(client, purchase, response, receipt !== undefined);
    const paid =
      receipt?.transaction === undefined ? payment : { ...payment, transaction: receipt.transaction };
    tell(client.settings.onEvent, {
      type: 'answered',
      url: purchase.url,
      status: response.status,
      payment: paid,
    });
    if (response.status === 402) throw await refused(client, { response, bytes }, purchase, paid);
    rememberPayment(response, paid);
    return response;
  } finally {
    if (!ended) client.purchases.park(purchase);
  }
}

/** Ends an order that AgentPay has refused; false when it may still be paid. */
async function concludeUnpaid(
  { purchases }: ClientState,
  purchase: SignedPurchase,
  error: unknown,
): Promise<boolean> {
  const state = isVoidOrder(error)
    ? 'void'
    : isAgentPayError(error, 'payment_refused')
      ? 'closed'
      : undefined;
  if (state) await purchases.end(purchase, state);
  return state !== undefined;
}

/** What came of sending the proof once: a response that arrived, or why none did. */
type Attempt =
  | Pick<Peeked, 'response' | 'bytes'>
  | { readonly response?: undefined; readonly error: unknown };

async function sendUntilReceived(
  client: ClientState,
  request: BufferedRequest,
  purchase: SignedPurchase,
  payment: PaymentMade,
): Promise<Pick<Peeked, 'response' | 'bytes'>> {
  const { clock, maxAttempts } = client.settings;
  const { url } = purchase;
  for (let attempt = 1; ; attempt++) {
    tell(client.settings.onEvent, { type: 'sent', url, attempt });
    const answer = await sendOnce(client, request, purchase);
    const { response } = answer;
    const now = clock.now();
    const waitMs = response ? askedWait(response, attempt, now) : backoffMs(attempt);
    const again = waitMs !== undefined && attempt < maxAttempts && now + waitMs < purchase.validUntil;
    if (!again) {
      if (answer.response) return answer;
      throw await unresolved(client, purchase, payment, answer.error);
    }
    tell(client.settings.onEvent, { type: 'waiting', url, attempt, status: response?.status, waitMs });
    void response?.body?.cancel().catch(() => undefined);
    await sleep(clock, waitMs, request.signal);
    request.signal?.throwIfAborted();
  }
}

// Redirects are not followed: a proof goes to nobody but the one who asked for it.
async function sendOnce(
  { settings }: ClientState,
  request: BufferedRequest,
  { url, header, proof }: SignedPurchase,
): Promise<Attempt> {
  try {
    const headers = { [header]: proof };
    const sent = { url, headers, redirect: 'manual', bytesToRead } as const;
    const { response, bytes, error } = await exchange(settings, request, sent);
    // A paid response that breaks off is a lost one; a refusal is known by its headers.
    return response.ok && error !== undefined ? { error } : { response, bytes };
  } catch (error) {
    request.signal?.throwIfAborted();
    return { error };
  }
}

/** How much of the body is read before the response counts as arrived. */
function bytesToRead({ ok, status, headers }: Response): number | undefined {
  if (status === 402) return MAX_REFUSAL;
  return ok && Number(headers.get('content-length') ?? Number.NaN) <= MAX_KEPT ? MAX_KEPT : undefined;
}

/** Milliseconds to wait before the same proof is sent again; undefined when the response stands. */
function askedWait(response: Response, attempt: number, now: number): number | undefined {
  const ms = NOT_NOW.includes(response.status) ? retryAfterMs(response.headers, now) : undefined;
  return ms !== undefined && ms <= MAX_WAIT_MS ? Math.max(ms, backoffMs(attempt)) : undefined;
}

/** Records the outcome of the purchase that the response tells; false when its proof may have to be sent again. */
async function conclude(
  { settings, purchases }: ClientState,
  purchase: SignedPurchase,
  response: Response,
  hasReceipt: boolean,
): Promise<boolean> {
  const { ok, status } = response;
  const { tokenId } = purchase;
  if (status !== 402 && hasReceipt) {
    await purchases.end(purchase, 'confirmed');
  } else if (
    !ok &&
    tokenId !== undefined &&
    settings.wallet &&
    (await isVoidToken(settings.wallet, tokenId))
  ) {
    await purchases.end(purchase, 'void');
  } else if (ok || (status >= 400 && status < 500 && !isPassing(response))) {
    await purchases.end(purchase, 'closed');
  } else {
    return false;
  }
  return true;
}

function isPassing({ status, headers }: Response): boolean {
  return PASSING.includes(status) || (status === 409 && headers.has('retry-after'));
}

async function unresolved(
  { settings }: ClientState,
  purchase: SignedPurchase,
  payment: PaymentMade,
  cause: unknown,
): Promise<PaymentError> {
  const settlement = await settlementOf(settings, purchase);
  const message = `The seller gave no response to a payment.${settlementSentence(settlement)}`;
  return new PaymentError('payment_unresolved', message, { cause, payment, settlement });
}

async function refused(
  { settings }: ClientState,
  { response, bytes }: Pick<Peeked, 'response' | 'bytes'>,
  purchase: SignedPurchase,
  payment: PaymentMade,
): Promise<PaymentError> {
  const settlement = await settlementOf(settings, purchase);
  const reason = refusalCode((name) => response.headers.get(name), bytes);
  const { network, amount: needed } = payment;
  const payer = payment.tokenId === undefined ? settings.account?.address : undefined;
  const message = describeRefusal(reason, bytes, { payer, network, needed }) + settlementSentence(settlement);
  return new PaymentError('payment_refused', message, {
    response,
    payment,
    settlement,
    ...(reason !== undefined && { reason }),
  });
}
