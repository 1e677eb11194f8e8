import { sleep } from '@agentpay/primitives';
import { fromBase64, readLimited, x402v2 } from '@agentpay/protocol';
import { send, type BufferedRequest } from './BufferedRequest.js';
import type { ClientState } from './Client.js';
import { isVoidToken } from './dialects/token.js';
import { PaymentError } from './PaymentError.js';
import type { Purchase } from './Purchase.js';
import { readReceipt, rememberPayment, type Payment } from './Receipt.js';

/** Answers up to this length are read to their end before they count as arrived. */
const MAX_KEPT = 1024 * 1024;
/** Longest body of a refusal that is searched for a reason. */
const MAX_REFUSAL = 64 * 1024;
const MAX_WAIT_MS = 30_000;
/** Statuses of "not now" that come with a Retry-After. */
const NOT_NOW = [409, 429, 503];
/** Refusals that may pass. */
const PASSING = [408, 425, 429];

/**
 * Writes the purchase down and sends its proof until there is an answer: the same proof, a bounded number of times, while it is valid.
 * @throws PaymentError `payment_refused` when the seller asks for payment again, `payment_unresolved` when there was no answer
 */
export async function deliver(
  client: ClientState,
  request: BufferedRequest,
  purchase: Purchase,
): Promise<Response> {
  const payment = paymentFor(purchase);
  let ended = false;
  try {
    await client.purchases.record(purchase);
    const response = await sendUntilAnswered(client, request, purchase, payment);
    ended = await conclude(client, purchase, response);
    const receipt = readReceipt(purchase, response.headers);
    const paid =
      receipt?.transaction === undefined ? payment : { ...payment, transaction: receipt.transaction };
    if (response.status === 402) throw await refused(response, paid);
    rememberPayment(response, paid);
    return response;
  } finally {
    if (!ended) client.purchases.park(purchase);
  }
}

interface Attempt {
  readonly response?: Response;
  readonly error?: unknown;
}

async function sendUntilAnswered(
  client: ClientState,
  request: BufferedRequest,
  purchase: Purchase,
  payment: Payment,
): Promise<Response> {
  const { clock, maxAttempts } = client.settings;
  for (let attempt = 1; ; attempt++) {
    const { response, error } = await sendOnce(client, request, purchase);
    const waitMs = response ? askedWait(response, attempt, clock.now()) : backoff(attempt);
    const again = waitMs !== undefined && attempt < maxAttempts && clock.now() + waitMs < purchase.validUntil;
    if (!again && response) return response;
    if (!again)
      throw new PaymentError('payment_unresolved', 'The seller gave no answer to a payment.', {
        cause: error,
        payment,
      });
    await response?.body?.cancel().catch(() => undefined);
    await sleep(clock, waitMs, request.signal);
    request.signal?.throwIfAborted();
  }
}

// Redirects are not followed: a proof goes to nobody but the one who asked for it.
async function sendOnce(
  { settings }: ClientState,
  request: BufferedRequest,
  purchase: Purchase,
): Promise<Attempt> {
  const { clock, fetch, attemptTimeoutMs } = settings;
  const late = new AbortController();
  const cancel = clock.timer(attemptTimeoutMs, () =>
    late.abort(new DOMException('The seller took too long.', 'TimeoutError')),
  );
  const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
  try {
    const headers = { [purchase.header]: purchase.proof };
    const response = await send(fetch, request, { url: purchase.url, headers, redirect: 'manual', signal });
    await arrival(response);
    return { response };
  } catch (error) {
    request.signal?.throwIfAborted();
    return { error };
  } finally {
    cancel();
  }
}

// An answer that breaks off in its body is a lost one. The caller reads the original.
async function arrival(response: Response): Promise<void> {
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  if (response.ok && length <= MAX_KEPT) await readLimited(response.clone().body, 8 * MAX_KEPT);
}

function backoff(attempt: number): number {
  return Math.min(250 * 2 ** (attempt - 1), 8_000);
}

/** Milliseconds to wait before the same proof is sent again; undefined when the answer stands. */
function askedWait(response: Response, attempt: number, now: number): number | undefined {
  const asked = response.headers.get('retry-after');
  if (asked === null || !NOT_NOW.includes(response.status)) return undefined;
  const ms = /^\d{1,9}$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - now;
  return ms <= MAX_WAIT_MS ? Math.max(ms, backoff(attempt)) : undefined;
}

/** Books what the answer tells of the purchase; false when its proof may have to be sent again. */
async function conclude(
  { settings, purchases }: ClientState,
  purchase: Purchase,
  response: Response,
): Promise<boolean> {
  const { ok, status, headers } = response;
  const { tokenId } = purchase;
  if (status !== 402 && readReceipt(purchase, headers)) {
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

function paymentFor({ dialect, amount, asset, network, payTo, tokenId }: Purchase): Payment {
  return {
    dialect,
    amount: BigInt(amount),
    asset,
    network,
    payTo,
    ...(tokenId !== undefined && { tokenId }),
  };
}

async function refused(response: Response, payment: Payment): Promise<PaymentError> {
  const reason = await refusalOf(response);
  const message = `The seller refused the payment${reason ? `: ${reason}` : ''}. No other was signed.`;
  return new PaymentError('payment_refused', message, {
    response,
    payment,
    ...(reason !== undefined && { reason }),
  });
}

/** The code that a second 402 gives for its refusal, wherever the dialect puts it. */
async function refusalOf(response: Response): Promise<string | undefined> {
  try {
    const settlement =
      response.headers.get(x402v2.PAYMENT_RESPONSE) ?? response.headers.get('X-PAYMENT-RESPONSE');
    const required = response.headers.get(x402v2.PAYMENT_REQUIRED);
    const text = await readLimited(response.clone().body, MAX_REFUSAL);
    const body = text?.toString().startsWith('{')
      ? (JSON.parse(text.toString()) as Record<string, unknown>)
      : {};
    const codes = [
      settlement && (fromBase64(settlement) as Record<string, unknown>)['errorReason'],
      body['code'],
      required && (fromBase64(required) as Record<string, unknown>)['error'],
      body['error'],
      body['type'],
    ];
    const code = codes.find((value) => typeof value === 'string' && value !== '') as string | undefined;
    return code?.replace(/\p{Cc}/gu, ' ').slice(0, 200);
  } catch {
    return undefined;
  }
}
