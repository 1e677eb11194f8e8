import { createLogger } from '@agentpay/http';
import { systemRandom } from '@agentpay/primitives';
import { startFault } from '@agentpay/storage';
import type { Called } from '@agentpay/http/commands';
import { migrateDb, openDb } from './database.js';
import { orUnavailable } from './onStored.js';
import { readSecrets } from './secrets.js';
import { readStoredConfig } from './storedConfig.js';

/**
 * `agentpay migrate`: brings the database that the environment names up to date, and ends. The API does so itself when it starts; here
 * it can be done before, by a role that may change tables. Safe while others do the same.
 * @returns the exit code
 * @throws ConfigError, or CommandFault when the database cannot be brought up to date, with exit code 2
 */
export async function migrateCommand({ flags, around: { env, print } }: Called): Promise<number> {
  const work = async () => {
    const config = readStoredConfig(env);
    const { pepper } = await readSecrets(config, systemRandom);
    const db = await openDb(config, createLogger('error'));
    await migrateDb(db, pepper).finally(() => db.close());
    print(flags['json'] ? JSON.stringify({ ok: true }) : 'The database is up to date.');
    return 0;
  };
  return orUnavailable(work, (error) => `The database was not brought up to date: ${startFault(error)}`);
}
