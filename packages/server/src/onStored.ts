import type { Core } from '@agentpay/core';
import { ConfigError, createLogger } from '@agentpay/http';
import { CommandFault } from '@agentpay/http/commands';
import { compose } from './compose.js';
import type { ServerConfig } from './config.js';

/** Opens what the configuration names, for a command, and closes it again. */
export async function withStoredCore<T>(config: ServerConfig, work: (core: Core) => Promise<T>): Promise<T> {
  const composition = await compose(config, { log: createLogger('error'), baseUrl: () => '' });
  try {
    return await work(composition.core);
  } finally {
    await composition.close();
  }
}

/**
 * What a command does with what is stored.
 * @param said why it could not be done, in a sentence
 * @throws ConfigError as it comes; CommandFault `unavailable` for anything else, with exit code 2
 */
export async function orUnavailable<T>(work: () => Promise<T>, said: (error: unknown) => string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new CommandFault('unavailable', said(error), { exitCode: 2, cause: error });
  }
}
