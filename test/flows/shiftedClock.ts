import { systemClock, type Clock } from '@agentpay/primitives';

/** The machine's clock, which tests put forward. */
export interface ShiftedClock extends Clock {
  shift(ms: number): void;
}

let shifted = 0;
/** That of all suites of a process. */
export const clock: ShiftedClock = {
  now: () => systemClock.now() + shifted,
  timer: (ms, fn, options) => systemClock.timer(ms, fn, options),
  shift: (ms) => void (shifted += ms),
};
