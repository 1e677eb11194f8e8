import type { Cancel, Clock, Db } from '@agentpay/primitives';
import type { Chain } from '@agentpay/evm';
import type { Activity } from './Activity.js';

/** What one process sees of the world, until it dies: from then on nothing of it happens, and nothing answers it. */
export interface Life {
  readonly clock: Clock;
  readonly chain: Chain;
  readonly db: Db;
  readonly dead: boolean;
  readonly asleep: boolean;
  /** Dies at this step from now, a thing done to database or chain: before it happens, or after it did but before the response. */
  dieAt(step: number, moment: 'before' | 'after'): void;
  /** From now on nothing of it goes on, until it is woken and goes on as if no time had passed. */
  sleep(): void;
  wake(): void;
  kill(): void;
}

export function createLife(world: { clock: Clock; chain: Chain; db: Db; activity: Activity }): Life {
  const { activity, chain, db, clock } = world;
  const timers = new Set<Cancel>();
  const never = new Promise<never>(() => {});
  let dead = false;
  let stepsLeft = Infinity;
  let deathMoment: 'before' | 'after' = 'before';
  /** What goes on at the awakening; undefined while awake. */
  let held: (() => void)[] | undefined;

  function kill(): void {
    dead = true;
    for (const cancel of timers) cancel();
    timers.clear();
  }

  async function awake(): Promise<void> {
    while (held) await new Promise<void>((resolve) => held?.push(resolve));
  }

  async function step<T>(work: () => Promise<T>): Promise<T> {
    await awake();
    if (dead) return never;
    stepsLeft -= 1;
    const last = stepsLeft === 0;
    if (last && deathMoment === 'before') kill();
    if (dead) return never;
    try {
      return await activity.track(work);
    } finally {
      if (last) kill();
      await awake();
      if (dead) await never;
    }
  }

  type Method = (...args: unknown[]) => Promise<unknown>;
  const mortal =
    (method: Method): Method =>
    (...args) =>
      step(() => method(...args));
  const methods = Object.entries(chain).filter(([, method]) => typeof method === 'function');
  return {
    get dead() {
      return dead;
    },
    get asleep() {
      return held !== undefined;
    },
    clock: {
      now: clock.now,
      timer(ms, fn, options) {
        if (dead) return () => {};
        const fire = () => {
          if (!timers.delete(cancel)) return;
          fn();
        };
        const timer = clock.timer(ms, () => (held ? held.push(fire) : fire()), options);
        const cancel = () => {
          timers.delete(cancel);
          timer();
        };
        timers.add(cancel);
        return cancel;
      },
    },
    chain: Object.fromEntries(
      methods.map(([name, method]) => [name, mortal(method as Method)]),
    ) as unknown as Chain,
    db: {
      query: (sql, params) => step(() => db.query(sql, params)),
      tx: (work) => step(() => db.tx(work)),
      exec: (sql) => step(() => db.exec(sql)),
      close: async () => {},
    },
    dieAt(step, moment) {
      stepsLeft = step;
      deathMoment = moment;
    },
    sleep: () => void (held ??= []),
    wake() {
      const goOn = held ?? [];
      held = undefined;
      for (const resume of goOn) resume();
    },
    kill,
  };
}
