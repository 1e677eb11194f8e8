import type { Clock } from '@agentpay/primitives';

/** Does a work as soon as there is a slot for it. */
export type Slots = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Lets at most `most` works begin before others have ended; the rest begins in the order of its coming.
 * @param longestMs a work that takes longer, because it waits for a slow node, gives its slot away
 */
export function limitConcurrency({
  clock,
  most,
  longestMs,
}: {
  clock: Clock;
  most: number;
  longestMs: number;
}): Slots {
  const waiting: (() => void)[] = [];
  let taken = 0;

  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else taken -= 1;
  }

  return async (work) => {
    if (taken < most) taken += 1;
    else await new Promise<void>((begin) => waiting.push(begin));
    let isHeld = true;
    const leaveOnce = () => {
      if (isHeld) leave();
      isHeld = false;
    };
    const cancel = clock.timer(longestMs, leaveOnce);
    try {
      return await work();
    } finally {
      cancel();
      leaveOnce();
    }
  };
}
