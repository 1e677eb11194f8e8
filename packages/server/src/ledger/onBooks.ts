import type { Core } from '@agentpay/core';
import { ConfigError, createLogger } from '@agentpay/http';
import { CommandFault, type Called } from '@agentpay/http/commands';
import { compose } from '../compose.js';
import { readStoredConfig } from '../storedConfig.js';

/**
 * Runs a check on the books of the database that the environment names, and prints what it finds.
 * @returns the exit code: 0 when nothing was found, 1 when something was
 * @throws ConfigError, or CommandFault when the books cannot be read, with exit code 2
 */
export async function onBooks(
  { flags, around: { env, print } }: Called,
  check: (core: Core) => Promise<{ readonly faults: readonly string[]; readonly right: string }>,
): Promise<number> {
  try {
    const composition = await compose(readStoredConfig(env), {
      log: createLogger('error'),
      baseUrl: () => '',
    });
    try {
      const { faults, right } = await check(composition.core);
      const ok = faults.length === 0;
      const lines = ok ? [right] : faults;
      print(flags['json'] ? JSON.stringify({ ok, faults }, null, 2) : lines.join('\n'));
      return ok ? 0 : 1;
    } finally {
      await composition.close();
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const said = `The books cannot be read: ${String(error)}`;
    throw new CommandFault('unavailable', said, { exitCode: 2, cause: error });
  }
}
