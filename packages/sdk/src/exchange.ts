import { untilAborted } from '@agentpay/protocol';
import { send, type BufferedRequest, type SendOptions } from './BufferedRequest.js';
import type { ClientSettings } from './options.js';
import { peek, type Peeked } from './peek.js';

/**
 * Sends the request and reads as much of the response's body as `bytesToRead` says: none when it says undefined. One deadline stands over
 * all of it, and the caller's signal ends all of it; what is left of the body is then the caller's to read, in the caller's own time.
 * Rejects as fetch does, with a `TimeoutError` after the deadline.
 */
export async function exchange(
  { fetch, clock, attemptTimeoutMs }: ClientSettings,
  request: BufferedRequest,
  {
    bytesToRead,
    ...options
  }: SendOptions & { readonly bytesToRead: (response: Response) => number | undefined },
): Promise<Peeked> {
  const late = new AbortController();
  const cancel = clock.timer(attemptTimeoutMs, () =>
    late.abort(new DOMException(`No response within ${attemptTimeoutMs} ms.`, 'TimeoutError')),
  );
  const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
  try {
    const response = await untilAborted(send(fetch, request, { ...options, signal }), signal);
    const maxBytes = bytesToRead(response);
    if (maxBytes === undefined) return { bytes: undefined, error: undefined, response };
    const peeked = await peek(response, { maxBytes, signal });
    request.signal?.throwIfAborted();
    return peeked;
  } finally {
    cancel();
  }
}
