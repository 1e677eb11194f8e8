import type { Core } from '@agentpay/core';
import { ConfigError, createLogger } from '@agentpay/http';
import { compose } from '../compose.js';
import { readConfig } from '../config.js';

/**
 * Runs a check on the books of the database that the environment names, and prints what it finds.
 * @returns the exit code: 0 when nothing was found, 1 when something was, 2 when the books could not be read
 */
export async function onBooks(
  env: NodeJS.ProcessEnv,
  check: (core: Core) => Promise<{ readonly faults: readonly string[]; readonly right: string }>,
): Promise<number> {
  try {
    const composition = await compose(readConfig(env), { log: createLogger('error'), baseUrl: () => '' });
    try {
      const { faults, right } = await check(composition.core);
      for (const fault of faults) process.stdout.write(`${fault}\n`);
      if (faults.length === 0) process.stdout.write(`${right}\n`);
      return faults.length === 0 ? 0 : 1;
    } finally {
      await composition.close();
    }
  } catch (error) {
    const said = error instanceof ConfigError ? error.message : `The books cannot be read: ${String(error)}`;
    process.stderr.write(`${said}\n`);
    return 2;
  }
}
