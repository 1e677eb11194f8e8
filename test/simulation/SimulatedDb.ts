import { setImmediate as nextTurn } from 'node:timers/promises';
import { unixSeconds, type Clock, type Db } from '@agentpay/primitives';

/** How a database fails: before anything happened, or after everything did, when only the response is lost. */
export interface DbFault {
  readonly on: 'query' | 'tx';
  readonly kind: 'failed' | 'response_lost';
}

/** Longer than anything goes on by itself that waits for neither the database nor the clock. */
const TURNS_AFTER_CALL = 20;

/**
 * A database on which it is as late as the simulated clock says, to the second, and whose calls can be made to fail. It does one call
 * after the other, and gives the result when nothing else goes on: how long a call takes changes nothing in a history.
 */
export interface SimulatedDb extends Db {
  fault(fault: DbFault, times: number): void;
  /** Takes back all faults that have not met a call yet. */
  heal(): void;
}

/** @param db one that {@link openDb} has opened */
export function simulatedDb(db: Db, clock: Clock): SimulatedDb {
  const faults: { fault: DbFault; left: number }[] = [];
  let told: number | undefined;
  let tail: Promise<unknown> = Promise.resolve();

  function inTurn<T>(call: () => Promise<T>): Promise<T> {
    const mine = tail.then(call).finally(async () => {
      for (let turns = 0; turns < TURNS_AFTER_CALL; turns++) await nextTurn();
    });
    tail = mine.catch(() => undefined);
    return mine;
  }

  async function tellTime(): Promise<void> {
    const now = unixSeconds(clock);
    if (told === now) return;
    told = now;
    await db.query(`select set_config('simulation.now', $1, false)`, [String(now)]);
  }

  async function met<T>(on: DbFault['on'], work: () => Promise<T>): Promise<T> {
    const due = faults.find(({ fault, left }) => fault.on === on && left > 0);
    if (due) due.left -= 1;
    if (due?.fault.kind === 'failed') throw new Error(`Scripted fault: ${on} failed.`);
    await tellTime();
    const result = await work();
    if (due) throw new Error(`Scripted fault: the response of ${on} got lost.`);
    return result;
  }

  return {
    query: (sql, params) => inTurn(() => met('query', () => db.query(sql, params))),
    tx: (work) => inTurn(() => met('tx', () => db.tx(work))),
    exec: (sql) => db.exec(sql),
    close: () => db.close(),
    fault: (fault, times) => void faults.push({ fault, left: times }),
    heal: () => void faults.splice(0),
  };
}
