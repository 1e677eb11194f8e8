import { OutboundError, type Clock } from '@agentpay/primitives';

/** The end of the time that one request has, redirects included. */
export interface Deadline {
  /** Why no more time is left; undefined while there is some. */
  readonly over: ((sent: boolean) => OutboundError) | undefined;
  /** Calls `stop` when time is over, or at once if it is; in place of what was given before. */
  onOver(stop: () => void): void;
  /** Nobody waits for the response any more. */
  giveUp(): void;
  /** The promise's result, unless time is over first. */
  within<T>(promise: Promise<T>, sent: boolean): Promise<T>;
  end(): void;
}

/** Each call makes one: an `AbortController` and its events would cost more than all else here. */
export function startDeadline(clock: Clock, timeoutMs: number, given: AbortSignal | undefined): Deadline {
  let over: Deadline['over'];
  let stop: (() => void) | undefined;
  const end = (fault: 'timeout' | 'aborted', message: string): void => {
    if (over) return;
    over = (sent) => new OutboundError(fault, message, sent);
    stop?.();
  };
  const cancel = clock.timer(timeoutMs, () =>
    end('timeout', `No whole response came within ${timeoutMs} ms.`),
  );
  const giveUp = () => end('aborted', 'The request was given up.');
  given?.addEventListener('abort', giveUp, { once: true });
  if (given?.aborted) giveUp();

  function onOver(next: () => void): void {
    stop = next;
    if (over) next();
  }
  return {
    get over() {
      return over;
    },
    onOver,
    giveUp,
    within: (promise, sent) =>
      new Promise((resolve, reject) => {
        onOver(() => reject((over as NonNullable<typeof over>)(sent)));
        promise.then(resolve, reject);
      }),
    end() {
      stop = undefined;
      cancel();
      given?.removeEventListener('abort', giveUp);
    },
  };
}
