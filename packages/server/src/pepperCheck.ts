import { createHmac } from 'node:crypto';
import type { Db, Migration } from '@agentpay/primitives';

/** One row: what the pepper of this database's keys gives. */
export const pepperMigration: Migration = {
  name: 'server/002-pepper-check',
  sql: `create table pepper_check (one boolean primary key default true check (one), value text not null)`,
};

/**
 * Notes the pepper of a new database, and keeps a process with another one from starting: it would know none of the keys.
 * @throws Error with one sentence
 */
export async function checkPepper(db: Db, pepper: string): Promise<void> {
  const value = createHmac('sha256', pepper).update('agentpay pepper check v1').digest('hex');
  await db.query('insert into pepper_check (value) values ($1) on conflict do nothing', [value]);
  const [kept] = await db.query<{ value: string }>('select value from pepper_check');
  if (kept?.value === value) return;
  throw new Error(
    'the API keys in this database were made with another secret, and none of them would be known. Give KEY_PEPPER (or JWT_SECRET, or ' +
      'the file "secret" in DATA_DIR, from which it is derived when absent) as it was.',
  );
}
