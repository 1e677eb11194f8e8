import * as api from '@agentpay/api';
import { sleep } from '@agentpay/primitives';
import { bytesToHex } from '@agentpay/protocol';
import type { ApiSettings, CallAttempt, CallOptions } from './ApiSettings.js';
import { readReply } from './readReply.js';
import { requestIdIn } from './requestIdIn.js';
import { sendCall, type ApiReply } from './sendCall.js';
import { backoffMs, retryAfterMs } from './retryAfter.js';

/** Whoever is told to wait longer is told so by the error. */
const MAX_WAIT_MS = 30_000;
const PASSING = [502, 503, 504];

/**
 * Calls an endpoint, and again where that is safe: one idempotency key stands over all attempts.
 * @throws ApiError when the API refuses; AgentPayError `invalid_request`, `invalid_amount` before anything is sent, `outcome_unknown`
 *   without a usable response; the reason of the signal
 */
export async function callEndpoint<E extends api.Endpoint>(
  settings: ApiSettings,
  endpoint: E,
  input: object,
  options: CallOptions,
): Promise<api.ResponseOf<E>> {
  const { signal, timeoutMs = settings.timeoutMs } = options;
  const request = api.decodeInput(endpoint, input);
  const { path, body } = api.encodeRequest(endpoint, request as api.CallOf<E>);
  const key = keyOf(settings, endpoint, body, options);
  const send = () => sendCall(settings, { endpoint, path, body, key, signal, timeoutMs });
  for (let attempt = 1; ; attempt++) {
    const startedAt = settings.clock.now();
    const reply = await send();
    const retryInMs = attempt > settings.maxRetries ? undefined : waitFor(settings, endpoint, reply, attempt);
    tell(settings, endpoint, { attempt, ms: settings.clock.now() - startedAt, reply, retryInMs });
    signal?.throwIfAborted();
    if (retryInMs === undefined) return readReply(endpoint, reply);
    await sleep(settings.clock, retryInMs, signal);
    signal?.throwIfAborted();
  }
}

/** The key of a call that can be repeated by one; the caller may have put it into the body. */
function keyOf(
  { random }: ApiSettings,
  { idempotent }: api.Endpoint,
  body: Record<string, unknown> | undefined,
  { idempotencyKey }: CallOptions,
): string | undefined {
  if (idempotent === false) return undefined;
  if (idempotencyKey !== undefined) return idempotencyKey;
  return body?.['idempotency_key'] === undefined ? `ts-${bytesToHex(random.bytes(16)).slice(2)}` : undefined;
}

/** Milliseconds until the same is sent again; undefined when it must not be, or need not. */
function waitFor(
  { clock }: ApiSettings,
  endpoint: api.Endpoint,
  { status, headers }: ApiReply,
  attempt: number,
): number | undefined {
  const repeatable = api.isRepeatable(endpoint);
  const asked = headers && retryAfterMs(headers, clock.now());
  if (asked !== undefined && asked > MAX_WAIT_MS) return undefined;
  const wait = Math.max(asked ?? 0, backoffMs(attempt));
  if (status === undefined || PASSING.includes(status)) return repeatable ? wait : undefined;
  // Nothing was done, or another attempt of the same call is still under way.
  const isNotNow = status === 429 || (status === 409 && endpoint.idempotent !== false && asked !== undefined);
  return isNotNow ? wait : undefined;
}

function tell(
  { onAttempt }: ApiSettings,
  { id, method }: api.Endpoint,
  { reply, ...told }: Pick<CallAttempt, 'attempt' | 'ms' | 'retryInMs'> & { readonly reply: ApiReply },
): void {
  const { status, headers, error } = reply;
  try {
    onAttempt?.({ endpoint: id, method, ...told, status, requestId: requestIdIn(headers), error });
  } catch {
    // Whoever listens must not end the call.
  }
}
