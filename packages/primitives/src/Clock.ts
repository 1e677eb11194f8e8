/** Cancels a timer; calling it twice or after the timer fired does nothing. */
export type Cancel = () => void;

/** Time as an argument: every wait and every timestamp in AgentPay comes from one of these. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `fn` once, `ms` milliseconds from now, unless cancelled. A `background` timer does not keep the process alive. */
  timer(ms: number, fn: () => void, options?: { readonly background?: boolean }): Cancel;
}

/** The clock of a machine, which somebody may set anew at any time. */
export interface MachineClock extends Clock {
  /** Milliseconds since some moment; goes on evenly when the clock is set, and may stand still while the machine sleeps. */
  elapsed(): number;
}

/** The clock of this machine. */
export const systemClock: MachineClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  timer(ms, fn, options) {
    const handle = setTimeout(fn, ms);
    // Elsewhere than in Node a timer keeps nothing alive.
    if (options?.background) (handle as { unref?(): void }).unref?.();
    return () => clearTimeout(handle);
  },
};

/** A clock that moves only when told to: for tests and simulations. */
export interface ManualClock extends Clock {
  /** Moves time forward and fires the timers that fall due, in order of their due time. */
  advance(ms: number): void;
}

/** A manual clock that starts at `startMs` (ms since the Unix epoch). */
export function manualClock(startMs: number): ManualClock {
  let now = startMs;
  let sequence = 0;
  const timers = new Map<number, { due: number; fn: () => void }>();

  function nextDue(until: number): [number, { due: number; fn: () => void }] | undefined {
    let first: [number, { due: number; fn: () => void }] | undefined;
    for (const entry of timers) {
      if (entry[1].due <= until && (!first || entry[1].due < first[1].due)) first = entry;
    }
    return first;
  }

  return {
    now: () => now,
    timer(ms, fn) {
      const id = sequence++;
      timers.set(id, { due: now + ms, fn });
      return () => void timers.delete(id);
    },
    advance(ms) {
      const target = now + ms;
      for (let entry = nextDue(target); entry; entry = nextDue(target)) {
        timers.delete(entry[0]);
        now = Math.max(now, entry[1].due);
        entry[1].fn();
      }
      now = target;
    },
  };
}

/** Resolves after `ms` milliseconds of `clock`, or at once when `signal` aborts; `options` as those of a timer. */
export function sleep(
  clock: Clock,
  ms: number,
  signal?: AbortSignal,
  options?: { readonly background?: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.timer(ms, done, options);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** What `work` comes to, unless `ms` milliseconds pass first: then it rejects as `late` says, and nobody hears of `work` any more. */
export function inTime<T>(clock: Clock, ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.timer(ms, () => reject(late()));
    work.then(resolve, reject).finally(cancel);
  });
}

/** Does `work`, which must not reject, `ms` after now and after each end of it, in the background. */
export function repeat(clock: Clock, ms: number, work: () => Promise<void>): { stop(): Promise<void> } {
  let stopped = false;
  let underWay: Promise<void> = Promise.resolve();
  const wait = () => clock.timer(ms, run, { background: true });
  let cancel = wait();

  function run(): void {
    underWay = work().then(() => {
      if (!stopped) cancel = wait();
    });
  }

  return {
    async stop() {
      stopped = true;
      cancel();
      await underWay;
    },
  };
}

/** Whole seconds since the Unix epoch, as EIP-3009 and JWT count time. */
export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}

/** Calls back once everything that is due in this turn of the event loop has run. No time passes, so it needs no clock. */
export function afterThisTurn(fn: () => void): void {
  setImmediate(fn);
}
