import { createHash, randomBytes } from 'node:crypto';
import type { Db, Migration } from '@agentpay/primitives';
import { migrate } from './migrate.js';
import { pgDb } from './pgDb.js';

export interface ScratchOptions {
  /** postgresql://user@host:port/database of a role that may create databases. */
  readonly server: string;
  readonly migrations: readonly Migration[];
}

/** A database that goes when it is closed. */
export interface ScratchDb extends Db {
  readonly url: string;
}

/**
 * A migrated database of its own on a PostgreSQL server, for tests: a clone of a template that is made once for each list of
 * migrations and stays on the server.
 */
export async function scratchDb({ server, migrations }: ScratchOptions): Promise<ScratchDb> {
  const admin = pgDb({ url: server, max: 1, statementTimeoutMs: 120_000 });
  const name = `scratch_${randomBytes(8).toString('hex')}`;
  const url = databaseUrl(server, name);
  await admin.exec(`create database ${name} template ${await template(admin, server, migrations)}`);
  const db = pgDb({ url });
  return {
    ...db,
    url,
    async close() {
      await db.close();
      await admin.exec(`drop database ${name} with (force)`);
      await admin.close();
    },
  };
}

async function template(admin: Db, server: string, migrations: readonly Migration[]): Promise<string> {
  const name = `template_${createHash('sha256').update(JSON.stringify(migrations)).digest('hex').slice(0, 16)}`;
  const exists = async () =>
    (await admin.query('select 1 from pg_database where datname = $1', [name])).length > 0;
  if (await exists()) return name;
  // Made under another name first, so that a template is always a whole one; whoever renames first wins.
  const draft = `${name}_${randomBytes(4).toString('hex')}`;
  await admin.exec(`create database ${draft} template template0`);
  const db = pgDb({ url: databaseUrl(server, draft), max: 1 });
  await migrate(db, migrations).finally(() => db.close());
  try {
    await admin.exec(`alter database ${draft} rename to ${name}`);
  } catch (error) {
    if (!(await exists())) throw error;
    await admin.exec(`drop database ${draft}`);
  }
  return name;
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
