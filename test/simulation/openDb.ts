import type { Db } from '@agentpay/primitives';
import { migrations } from '@agentpay/facilitator';
import { migrate, pgliteDb } from '@agentpay/storage';

/** A database in memory that all histories share, one after the other. Its `now()` is the setting `simulation.now`, Unix seconds. */
export async function openDb(): Promise<Db> {
  const db = await pgliteDb();
  await migrate(db, migrations);
  await db.exec(`
    create schema simulation;
    create function simulation.now() returns timestamptz language sql stable
      as $$ select to_timestamp(current_setting('simulation.now')::float8) $$;
    set search_path = simulation, public, pg_catalog;`);
  return db;
}
