import * as api from '@agentpay/api';
import { sleep } from '@agentpay/primitives';
import type { ApiSettings, CallAttempt, CallOptions } from './ApiSettings.js';
import { newIdempotencyKey } from './newIdempotencyKey.js';
import { readReply } from './readReply.js';
import { requestIdIn } from './requestIdIn.js';
import { sendCall, type ApiReply } from './sendCall.js';
import { backoffMs, retryAfterMs } from './retryAfter.js';
import { tell } from './tell.js';

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
  for (let attempt = 1; ; attempt++) {
    const startedAt = settings.clock.now();
    const reply = await sendCall(settings, { endpoint, path, body, key, signal, timeoutMs });
    const retryInMs = attempt > settings.maxRetries ? undefined : waitFor(settings, endpoint, reply, attempt);
    const ms = settings.clock.now() - startedAt;
    tell(settings.onAttempt, attemptOf(endpoint, reply, { attempt, ms, retryInMs }));
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
  return body?.['idempotency_key'] === undefined ? newIdempotencyKey(random) : undefined;
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

function attemptOf(
  { id, method }: api.Endpoint,
  { status, headers, error }: ApiReply,
  told: Pick<CallAttempt, 'attempt' | 'ms' | 'retryInMs'>,
): CallAttempt {
  return { endpoint: id, method, ...told, status, requestId: requestIdIn(headers), error };
}
