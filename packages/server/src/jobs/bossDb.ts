import type { Db, SqlValue } from '@agentpay/primitives';
import type PgBoss from 'pg-boss';

/** The database as pg-boss wants it. */
export interface BossDb extends PgBoss.Db {
  /** Lets no further statement through and waits for those under way: pg-boss leaves some behind when it stops. */
  close(): Promise<void>;
}

/** How pg-boss writes down that runs ended. It awaits none of these statements: one that rejects would end the process. */
const ENDING = /SELECT COUNT\(\*\) FROM results\s*$/;

/** @param onUnrecorded told of the end of a run that could not be written down; the job is run again once its time has passed */
export function bossDb(db: Db, onUnrecorded: (error: unknown) => void): BossDb {
  const running = new Set<Promise<unknown>>();
  let closed = false;

  async function run(sql: string, values: readonly unknown[]): Promise<{ rows: unknown[] }> {
    // Several statements in one text bring their own transaction, take no values and give no rows.
    if (/^\s*BEGIN;/.test(sql)) {
      await db.exec(sql);
      return { rows: [] };
    }
    return { rows: await db.query(sql, values.map(toSql)) };
  }
  const withoutEnd = (error: unknown): { rows: unknown[] } => {
    onUnrecorded(error);
    return { rows: [{ count: 0 }] };
  };

  return {
    async executeSql(sql: string, values: readonly unknown[] = []) {
      const ending = ENDING.test(sql);
      if (closed) return { rows: ending ? [{ count: 0 }] : [] };
      const call = ending ? run(sql, values).catch(withoutEnd) : run(sql, values);
      running.add(call);
      return call.finally(() => running.delete(call));
    },
    async close() {
      closed = true;
      await Promise.allSettled(running);
    },
  };
}

function toSql(value: unknown): SqlValue {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof Date) return value as SqlValue;
  return JSON.stringify(value);
}
