import { systemClock, type Cancel, type Clock, type Db } from '@agentpay/primitives';
import { aroundCalls, type Chain } from '@agentpay/evm';

/** The world of a process that dies between two things it does to database or chain: from then on nothing of it happens any more. */
export interface Mortal {
  readonly clock: Clock;
  readonly chain: Chain;
  readonly db: Db;
  /** Things done to database and chain so far. */
  steps(): number;
  /** Resolves when the process has died. */
  dieAfter(steps: number): Promise<void>;
  /** The same, at the first thing done whose name or SQL matches: before it happens, or after it did but before the response to it. */
  dieAt(what: RegExp, moment: 'before' | 'after'): Promise<void>;
  kill(): void;
}

export function mortal(world: { chain: Chain; db: Db }): Mortal {
  const timers = new Set<Cancel>();
  const never = new Promise<never>(() => {});
  let dead = false;
  let done = 0;
  let last = Infinity;
  let fatal: { what: RegExp; moment: 'before' | 'after' } | undefined;
  let died: () => void = () => {};

  function kill(): void {
    dead = true;
    for (const cancel of timers) cancel();
    died();
  }
  async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
    const moment = fatal?.what.test(what) ? fatal.moment : undefined;
    if (moment === 'before') kill();
    if (dead) return never;
    const result = await work();
    done += 1;
    if (done >= last || moment === 'after') kill();
    return dead ? never : result;
  }

  const { chain, db } = world;
  return {
    clock: {
      now: systemClock.now,
      timer(ms, fn, options) {
        if (dead) return () => {};
        const cancel = systemClock.timer(ms, fn, options);
        timers.add(cancel);
        return cancel;
      },
    },
    chain: aroundCalls(chain, (name, _args, call) => step(name, call)),
    db: {
      query: (sql, params) => step(sql, () => db.query(sql, params)),
      tx: (work) => step('transaction', () => db.tx(work)),
      exec: (sql) => step(sql, () => db.exec(sql)),
      close: async () => {},
    },
    steps: () => done,
    dieAfter(steps) {
      last = done + steps;
      return new Promise((resolve) => (died = resolve));
    },
    dieAt(what, moment) {
      fatal = { what, moment };
      return new Promise((resolve) => (died = resolve));
    },
    kill,
  };
}
