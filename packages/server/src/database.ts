import { join } from 'node:path';
import type { Db } from '@agentpay/primitives';
import type { Logger } from '@agentpay/http';
import { migrate, pgDb, pgliteDb, preparedDb } from '@agentpay/storage';
import type { ServerConfig } from './config.js';
import { migrations } from './migrations.js';
import { checkPepper } from './pepperCheck.js';

/** The database that the configuration names, as it is. */
export function openDb(config: ServerConfig, log: Logger): Promise<Db> | Db {
  const { databaseUrl, databasePoolSize, dataDir, databaseCache: cache } = config;
  if (databaseUrl !== undefined) {
    return pgDb({
      url: databaseUrl,
      max: databasePoolSize,
      onNotice: (line) => log.warn(line),
      onIdleError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
    });
  }
  if (dataDir === undefined) return pgliteDb({});
  const dir = join(dataDir, 'postgres');
  return cache === undefined ? pgliteDb({ dir }) : preparedDb({ dir, cache, migrations });
}

/** Brings the schema up to date. @throws Error when the keys in the database were made with another pepper */
export async function migrateDb(db: Db, pepper: string): Promise<void> {
  await migrate(db, migrations);
  await checkPepper(db, pepper);
}
