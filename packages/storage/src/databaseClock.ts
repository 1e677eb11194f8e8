import type { Clock, MachineClock, Queryable } from '@agentpay/primitives';

/** The time of a database, as this machine knows it. */
export interface DatabaseClock extends Clock {
  /**
   * Milliseconds that the machine's own clock is ahead of the database's at least; negative when it is behind. What the time that a
   * response took may be to blame for is not counted.
   */
  machineAheadMs(): number;
  /** Asks the database again. @throws what the database rejects with; the time goes on as it was */
  measure(): Promise<void>;
  /** Asks no more. */
  stop(): void;
}

export interface DatabaseClockOptions {
  readonly machine: MachineClock;
  /** Told after every measurement. */
  readonly onMeasured?: (machineAheadMs: number) => void;
  /** Told when the database could not be asked; it is asked again after the usual wait. */
  readonly onError?: (error: unknown) => void;
}

const EVERY_MS = 30_000;
/** A step of the machine's clock above this is a reason to ask at once: it may have slept. */
const STEP_MS = 1_000;

/**
 * The clock that all who share a database have in common: the database's. It is asked now and every half minute; in between time goes
 * on by what has elapsed on this machine, whatever its clock is set to. A response proves only that the database's time is between
 * what it says and that plus the round trip, so later ones correct no further than that: a slow response never makes the time worse.
 * @throws what the database rejects with when it cannot be asked the first time
 */
export async function databaseClock(db: Queryable, options: DatabaseClockOptions): Promise<DatabaseClock> {
  const { machine, onMeasured = () => undefined, onError = () => undefined } = options;
  let { earliest, latest } = await ask(db, machine);
  let sinceElapsed = (earliest + latest) / 2;
  /** How far that may be wrong. */
  let doubtMs = (latest - earliest) / 2;
  let machineGap = gapOf(machine);
  let asking: Promise<void> | undefined;

  async function correct(): Promise<void> {
    ({ earliest, latest } = await ask(db, machine));
    const before = sinceElapsed;
    sinceElapsed = Math.min(Math.max(before, earliest), latest);
    doubtMs = sinceElapsed === before ? Math.min(doubtMs, latest - earliest) : latest - earliest;
    told();
  }
  function told(): void {
    machineGap = gapOf(machine);
    onMeasured(machineAheadMs());
  }
  const measure = (): Promise<void> => (asking ??= correct().finally(() => (asking = undefined)));
  function machineAheadMs(): number {
    const aheadMs = gapOf(machine) - sinceElapsed;
    return Math.sign(aheadMs) * Math.max(0, Math.abs(aheadMs) - doubtMs);
  }

  let stopped = false;
  const wait = () => machine.timer(EVERY_MS, () => void again(), { background: true });
  let cancel = wait();
  async function again(): Promise<void> {
    cancel();
    await measure().catch(onError);
    if (!stopped) cancel = wait();
  }
  function askWhenStepped(): void {
    const gap = gapOf(machine);
    if (stopped || Math.abs(gap - machineGap) <= STEP_MS) return;
    machineGap = gap;
    void again();
  }

  told();
  return {
    now() {
      askWhenStepped();
      return Math.floor(sinceElapsed + machine.elapsed());
    },
    timer: (ms, fn, timerOptions) => machine.timer(ms, fn, timerOptions),
    machineAheadMs,
    measure,
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** What the machine's clock is ahead of what has elapsed: the same for ever, but for a clock that is set or a machine that sleeps. */
function gapOf(machine: MachineClock): number {
  return machine.now() - machine.elapsed();
}

/** Between what the database's time is ahead of what has elapsed on the machine: it was read at some moment of the round trip. */
async function ask(
  db: Queryable,
  { elapsed }: Pick<MachineClock, 'elapsed'>,
): Promise<{ earliest: number; latest: number }> {
  const sent = elapsed();
  const [row] = await db.query<{ now: Date }>('select clock_timestamp() as now');
  const received = elapsed();
  const said = (row as { now: Date }).now.getTime();
  // A Date has lost the part of a millisecond.
  return { earliest: said - received, latest: said + 1 - sent };
}
