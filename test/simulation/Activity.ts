import { setImmediate as nextTurn } from 'node:timers/promises';

/** Knows whether anything is under way, so that time passes only when everybody has done what they could. */
export interface Activity {
  track<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is under way. */
  quiet(): Promise<void>;
}

/** Turns of the event loop without work, after which nothing can be under way. */
const QUIET_TURNS = 3;

export function createActivity(): Activity {
  let running = 0;
  return {
    async track(work) {
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
      }
    },
    async quiet() {
      for (let turns = 0; turns < QUIET_TURNS;) {
        await nextTurn();
        turns = running === 0 ? turns + 1 : 0;
      }
    },
  };
}
