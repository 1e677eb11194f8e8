import type { Cancel, Clock } from '@agentpay/primitives';
import type { Waiters } from '../intake/Waiters.js';
import type { Flights } from '../sending/Flights.js';
import type { Queue } from '../sending/Queue.js';
import { outcomeOf } from '../Settlement.js';
import type { SettlementStore } from '../SettlementStore.js';
import type { Rechecks } from './Rechecks.js';
import type { Repair } from './repair.js';

export interface UpkeepOptions {
  readonly clock: Clock;
  readonly store: SettlementStore;
  readonly queue: Queue;
  readonly flights: Flights;
  readonly waiters: Waiters;
  readonly repair: Repair;
  readonly rechecks: Rechecks;
  /** Wakes the batcher: a signer account may be usable again. */
  readonly wake: () => void;
  /** Time between rounds, ms. */
  readonly repairEveryMs: number;
  /** A claim of ours that is twice as old, and at which nobody works, is given up. */
  readonly settleTimeoutMs: number;
  readonly onError: (what: string, error: unknown) => void;
}

/** What is looked after in the background, round after round. */
export interface Upkeep {
  /** Does a first round, then one after another. */
  start(): Promise<void>;
  /** Ends with the round under way. */
  stop(): Promise<void>;
}

export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { clock, store, queue, flights, waiters, repair, rechecks, repairEveryMs, settleTimeoutMs } = options;
  let round: Promise<void> = Promise.resolve();
  let cancel: Cancel | undefined;
  let abandonedAt = -Infinity;
  let stopped = false;

  const attempt = (what: string, work: () => Promise<void>) =>
    work().catch((error: unknown) => options.onError(what, error));

  async function doRound(): Promise<void> {
    await repair.all();
    options.wake();
    await attempt('claims', () => giveUpAbandoned(new Date(clock.now() - 2 * settleTimeoutMs)));
    await attempt('rechecks', rechecks.look);
    await attempt('other replicas', tellOfOthers);
  }

  function schedule(): void {
    if (stopped) return;
    cancel = clock.timer(repairEveryMs, () => (round = doRound().finally(schedule)), { background: true });
  }

  /**
   * Ends claims of which nothing was signed and at which nobody works, because their process died or the database failed it. Whoever
   * asked was told nothing and asks again, or does without; to pay now what nobody may deliver any more would be worse.
   * @param before when they were made; null: at any time
   */
  async function giveUpAbandoned(before: Date | null): Promise<void> {
    if (clock.now() - abandonedAt < 10 * repairEveryMs) return;
    abandonedAt = clock.now();
    await store.giveUpAbandoned(queue.ids(), before);
  }

  /** Settlements that another replica carries, and for which somebody waits here. */
  async function tellOfOthers(): Promise<void> {
    const here = new Set([...queue.ids(), ...flights.all().flatMap(({ members }) => [...members.keys()])]);
    const elsewhere = waiters.ids().filter((id) => !here.has(id));
    for (const settlement of elsewhere.length > 0 ? await store.getAll(elsewhere) : []) {
      const outcome = outcomeOf(settlement);
      if (outcome.state !== 'pending') waiters.tell(settlement.id, outcome);
    }
  }

  return {
    async start() {
      // Nobody has asked this process for anything yet.
      await giveUpAbandoned(null);
      await doRound();
      schedule();
    },
    async stop() {
      stopped = true;
      cancel?.();
      await round;
    },
  };
}
