import type { Core } from '@agentpay/core';
import type { Called } from '@agentpay/http/commands';
import { orUnavailable, withStoredCore } from '../onStored.js';
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
  const work = () =>
    withStoredCore(readStoredConfig(env), async (core) => {
      const { faults, right } = await check(core);
      const ok = faults.length === 0;
      const lines = ok ? [right] : faults;
      print(flags['json'] ? JSON.stringify({ ok, faults }, null, 2) : lines.join('\n'));
      return ok ? 0 : 1;
    });
  return orUnavailable(work, (error) => `The books cannot be read: ${String(error)}`);
}
