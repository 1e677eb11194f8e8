import type { Db, SqlValue } from '@agentpay/primitives';
import type PgBoss from 'pg-boss';

/** The database as pg-boss wants it. */
export interface BossDb extends PgBoss.Db {
  /** Lets no further statement through and waits for those under way: pg-boss leaves some behind when it stops. */
  close(): Promise<void>;
}

export function bossDb(db: Db): BossDb {
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

  return {
    async executeSql(sql: string, values: readonly unknown[] = []) {
      if (closed) return { rows: [] };
      const call = run(sql, values);
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
