import type { Logger } from '@agentpay/http';
import type { Clock, Db, MachineClock } from '@agentpay/primitives';
import { databaseClock } from '@agentpay/storage';

/** What is told of a machine whose clock is compared with the database's. */
export interface ClockCheck {
  readonly clock?: 'ok' | 'off';
  /** Milliseconds that it is ahead, negative when it is behind; told when it is off. */
  readonly clock_ahead_ms?: number;
}

/** The time that everything in a node goes by. */
export interface NodeClock {
  readonly clock: Clock;
  check(): ClockCheck;
  stop(): void;
}

/** A machine this far from the database's clock wants its operator. */
const OFF_MS = 1_000;

/** A clock that nothing is compared with. */
export function ownClock(clock: Clock): NodeClock {
  return { clock, check: () => ({}), stop: () => undefined };
}

/**
 * The clock of the database, so that all replicas judge a deadline alike. A machine whose own clock is off by more than a second is
 * told to the log when that is first seen, and when it is over.
 * @throws what the database rejects with
 */
export async function sharedClock(
  db: Db,
  { machine, log }: { machine: MachineClock; log: Logger },
): Promise<NodeClock> {
  let off = false;
  const clock = await databaseClock(db, {
    machine,
    onMeasured(aheadMs) {
      if (off === isOff(aheadMs)) return;
      off = !off;
      const told = { clock_ahead_ms: Math.round(aheadMs) };
      if (off) log.warn(told, "the machine's clock is off; deadlines go by the database's");
      else log.info(told, "the machine's clock is with the database's again");
    },
    onError: (err) => log.warn({ err }, 'the database was not asked for its time; it goes on as last known'),
  });
  return {
    clock,
    check() {
      const aheadMs = clock.machineAheadMs();
      return isOff(aheadMs) ? { clock: 'off', clock_ahead_ms: Math.round(aheadMs) } : { clock: 'ok' };
    },
    stop: clock.stop,
  };
}

function isOff(aheadMs: number): boolean {
  return Math.abs(aheadMs) > OFF_MS;
}
