import type { Db } from '@agentpay/primitives';
import { migrations } from '@agentpay/facilitator';
import { migrate, pgliteDb } from '@agentpay/storage';

/** A database in memory that all histories share, one after the other. */
export async function openDb(): Promise<Db> {
  const db = await pgliteDb();
  await migrate(db, migrations);
  return db;
}
