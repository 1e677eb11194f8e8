import type { Clock } from '@agentpay/primitives';
import type { SettlementOutcome } from '../Settlement.js';

/** Those who wait for the outcome of a settlement, each for a limited time. */
export interface Waiters {
  /** Waits from now on. `outcome` is undefined when the time is over or `cancel` was called. */
  wait(id: string): { readonly outcome: Promise<SettlementOutcome | undefined>; cancel(): void };
  /** Whose outcome somebody waits for. */
  ids(): readonly string[];
  tell(id: string, outcome: SettlementOutcome): void;
  /** Ends every wait. */
  close(): void;
}

export function createWaiters(clock: Clock, timeoutMs: number): Waiters {
  const waiting = new Map<string, Set<(outcome: SettlementOutcome | undefined) => void>>();

  return {
    wait(id) {
      let cancel = () => {};
      const outcome = new Promise<SettlementOutcome | undefined>((resolve) => {
        const mine = waiting.get(id) ?? new Set();
        const end = (result: SettlementOutcome | undefined) => {
          cancelTimer();
          mine.delete(end);
          if (mine.size === 0) waiting.delete(id);
          resolve(result);
        };
        const cancelTimer = clock.timer(timeoutMs, () => end(undefined));
        waiting.set(id, mine.add(end));
        cancel = () => end(undefined);
      });
      return { outcome, cancel };
    },
    ids: () => [...waiting.keys()],
    tell(id, outcome) {
      for (const end of waiting.get(id) ?? []) end(outcome);
    },
    close() {
      for (const ends of waiting.values()) for (const end of ends) end(undefined);
    },
  };
}
