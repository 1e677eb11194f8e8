import { untilAborted } from '@agentpay/protocol';
import { send, type BufferedRequest, type SendOptions } from './BufferedRequest.js';
import type { ClientSettings } from './options.js';
import { peek, type Peeked } from './peek.js';

/**
 * Sends the request and reads as much of the response's body as `bytesToRead` says: none when it says undefined. One deadline stands over
 * all of it, and the caller's signal ends all of it; what is left of the body is then the caller's to read, in the caller's own time.
 * Rejects as fetch does, with a `TimeoutError` after the deadline.
 * @param options.bodyTimeoutMs deadline of what is read of the body, from when the headers are there, where it comes before the other
 */
export async function exchange(
  { fetch, clock, attemptTimeoutMs }: ClientSettings,
  request: BufferedRequest,
  {
    bytesToRead,
    bodyTimeoutMs,
    ...options
  }: SendOptions & {
    readonly bytesToRead: (response: Response) => number | undefined;
    readonly bodyTimeoutMs?: number;
  },
): Promise<Peeked> {
  const late = new AbortController();
  const endAfter = (ms: number) =>
    clock.timer(ms, () => late.abort(new DOMException(`No response within ${ms} ms.`, 'TimeoutError')));
  const cancels = [endAfter(attemptTimeoutMs)];
  const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
  try {
    const response = await untilAborted(send(fetch, request, { ...options, signal }), signal);
    const maxBytes = bytesToRead(response);
    if (maxBytes === undefined) return { bytes: undefined, error: undefined, response };
    if (bodyTimeoutMs !== undefined) cancels.push(endAfter(bodyTimeoutMs));
    const peeked = await peek(response, { maxBytes, signal });
    request.signal?.throwIfAborted();
    return peeked;
  } finally {
    for (const cancel of cancels) cancel();
  }
}
