import { sleep } from '@agentpay/primitives';
import { refusalCode } from '@agentpay/protocol';
import type { BufferedRequest } from './BufferedRequest.js';
import type { ClientState } from './ClientState.js';
import { isVoidToken } from './dialects/token.js';
import { exchange } from './exchange.js';
import { PaymentError } from './PaymentError.js';
import type { Peeked } from './peek.js';
import type { SignedPurchase } from './Purchase.js';
import { readReceipt, rememberPayment, type PaymentMade } from './Receipt.js';
import { describeRefusal } from './refusal.js';

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
  purchase: SignedPurchase,
): Promise<Response> {
  const payment = paymentFor(purchase);
  let ended = false;
  try {
    await client.purchases.record(purchase);
    const { response, bytes } = await sendUntilAnswered(client, request, purchase, payment);
    const receipt = readReceipt(purchase, response.headers);
    ended = await conclude(client, purchase, response, receipt !== undefined);
    const paid =
      receipt?.transaction === undefined ? payment : { ...payment, transaction: receipt.transaction };
    if (response.status === 402) throw refused(client, { response, bytes }, paid);
    rememberPayment(response, paid);
    return response;
  } finally {
    if (!ended) client.purchases.park(purchase);
  }
}

/** What came of sending the proof once: a response that arrived, or why none did. */
type Attempt =
  | Pick<Peeked, 'response' | 'bytes'>
  | { readonly response?: undefined; readonly error: unknown };

async function sendUntilAnswered(
  client: ClientState,
  request: BufferedRequest,
  purchase: SignedPurchase,
  payment: PaymentMade,
): Promise<Pick<Peeked, 'response' | 'bytes'>> {
  const { clock, maxAttempts } = client.settings;
  for (let attempt = 1; ; attempt++) {
    const answer = await sendOnce(client, request, purchase);
    const { response } = answer;
    const now = clock.now();
    const waitMs = response ? askedWait(response, attempt, now) : backoff(attempt);
    const again = waitMs !== undefined && attempt < maxAttempts && now + waitMs < purchase.validUntil;
    if (!again && answer.response) return answer;
    if (!again)
      throw new PaymentError('payment_unresolved', 'The seller gave no answer to a payment.', {
        cause: answer.response ? undefined : answer.error,
        payment,
      });
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

function backoff(attempt: number): number {
  return Math.min(250 * 2 ** (attempt - 1), 8_000);
}

/** Milliseconds to wait before the same proof is sent again; undefined when the response stands. */
function askedWait(response: Response, attempt: number, now: number): number | undefined {
  const asked = response.headers.get('retry-after');
  if (asked === null || !NOT_NOW.includes(response.status)) return undefined;
  const ms = /^\d{1,9}$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - now;
  return ms <= MAX_WAIT_MS ? Math.max(ms, backoff(attempt)) : undefined;
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

function paymentFor({ dialect, amount, asset, network, payTo, tokenId }: SignedPurchase): PaymentMade {
  return {
    dialect,
    amount: BigInt(amount),
    asset,
    network,
    payTo,
    ...(tokenId !== undefined && { tokenId }),
  };
}

function refused(
  { settings }: ClientState,
  { response, bytes }: Pick<Peeked, 'response' | 'bytes'>,
  payment: PaymentMade,
): PaymentError {
  const reason = refusalCode((name) => response.headers.get(name), bytes);
  const { network, amount: needed } = payment;
  const payer = payment.tokenId === undefined ? settings.account?.address : undefined;
  const message = describeRefusal(reason, bytes, { payer, network, needed });
  return new PaymentError('payment_refused', message, {
    response,
    payment,
    ...(reason !== undefined && { reason }),
  });
}
