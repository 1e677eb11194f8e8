import { createHash } from 'node:crypto';
import type { Db, Migration, Tx } from '@agentpay/primitives';

// Any fixed number of our own: replicas that start at once take turns by it.
const LOCK = 7_204_531_906n;
const TIMEOUT = '10min';

/**
 * Runs those migrations that have not run on this database, in the order given, all in one transaction.
 * Safe when several processes start at once. Migrations recorded under names that are not in the list are left alone: they belong
 * to another package or to a newer version.
 * @throws Error when a migration that has run was changed since, when two have one name, or when one fails (then none has run)
 */
export async function migrate(db: Db, migrations: readonly Migration[]): Promise<void> {
  assertNamesDiffer(migrations);
  await db.tx(async (tx) => {
    // In one exec, which alone waits for the server as long as the server works.
    await tx.exec(
      `set local statement_timeout = '${TIMEOUT}'; set local lock_timeout = '${TIMEOUT}'; select pg_advisory_xact_lock(${LOCK})`,
    );
    await tx.exec('create table if not exists migrations (name text primary key, checksum text not null)');
    const rows = await tx.query<{ name: string; checksum: string }>('select name, checksum from migrations');
    const done = new Map(rows.map((row) => [row.name, row.checksum]));
    for (const migration of migrations) await apply(tx, migration, done.get(migration.name));
  });
}

async function apply(tx: Tx, { name, sql }: Migration, recorded: string | undefined): Promise<void> {
  const checksum = createHash('sha256').update(sql).digest('hex');
  if (recorded === checksum) return;
  if (recorded !== undefined) throw new Error(`Migration ${name} was changed after it ran on this database.`);
  await tx.exec(sql).catch((cause: unknown) => {
    throw new Error(`Migration ${name} failed: ${(cause as Error).message}`, { cause });
  });
  await tx.query('insert into migrations (name, checksum) values ($1, $2)', [name, checksum]);
}

function assertNamesDiffer(migrations: readonly Migration[]): void {
  const names = new Set<string>();
  for (const { name } of migrations) {
    if (names.has(name)) throw new Error(`Two migrations are named ${name}.`);
    names.add(name);
  }
}
