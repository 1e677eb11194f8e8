import { ConfigError } from '@agentpay/http';
import { readConfig, type ServerConfig } from './config.js';

/**
 * The configuration of a command about a database that exists.
 * @throws ConfigError when none is named: an empty one in memory is in order, whatever became of the one that was meant
 */
export function readStoredConfig(env: NodeJS.ProcessEnv): ServerConfig {
  const config = readConfig(env);
  if (config.databaseUrl === undefined && config.dataDir === undefined)
    throw new ConfigError([
      'DATABASE_URL is missing, or DATA_DIR for the embedded database of a folder: nothing was looked into.',
    ]);
  return config;
}
