import { OutboundError, type Clock } from '@agentpay/primitives';

/** The end of the time that one request has, redirects included. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Why no more time is left; undefined while there is some. */
  readonly over: ((sent: boolean) => OutboundError) | undefined;
  /** The promise's result, unless time is over first. */
  within<T>(promise: Promise<T>, sent: boolean): Promise<T>;
  end(): void;
}

export function startDeadline(clock: Clock, timeoutMs: number, given: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let over: Deadline['over'];
  const stop = (fault: 'timeout' | 'aborted', message: string): void => {
    over ??= (sent) => new OutboundError(fault, message, sent);
    controller.abort();
  };
  const cancel = clock.timer(timeoutMs, () =>
    stop('timeout', `No whole response came within ${timeoutMs} ms.`),
  );
  const abort = () => stop('aborted', 'The request was given up.');
  given?.addEventListener('abort', abort, { once: true });
  if (given?.aborted) abort();
  return {
    signal: controller.signal,
    get over() {
      return over;
    },
    within<T>(promise: Promise<T>, sent: boolean) {
      return new Promise<T>((resolve, reject) => {
        const refuse = () => reject((over as NonNullable<typeof over>)(sent));
        if (over) return refuse();
        controller.signal.addEventListener('abort', refuse, { once: true });
        promise.then(resolve, reject).finally(() => controller.signal.removeEventListener('abort', refuse));
      });
    },
    end() {
      cancel();
      given?.removeEventListener('abort', abort);
    },
  };
}
