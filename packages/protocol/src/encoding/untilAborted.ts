/** What `fetch` gives, or a rejection with the signal's reason, also where a `fetch` of the caller's takes no notice of the signal. */
export function untilAborted(sent: Promise<Response>, signal: AbortSignal): Promise<Response> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      reject(signal.reason as Error);
      sent.then((response) => response.body?.cancel()).catch(() => undefined);
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    sent.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
