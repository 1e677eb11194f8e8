import { sealedColumns, vault } from '@agentpay/core';
import type { Called } from '@agentpay/http/commands';
import { orUnavailable, withStoredCore } from './onStored.js';
import { readStoredConfig } from './storedConfig.js';

/**
 * `agentpay keys rotate-master`: seals everything anew under the present master key, while the API runs: keys of wallets and of users,
 * signing secrets, destinations of payouts, and purchases under way. The former key may leave FORMER_MASTER_KEYS when it is done.
 * @returns the exit code: 0 when all is sealed by the present key, 1 when something is not
 * @throws ConfigError, or CommandFault when nothing could be done, with exit code 2
 */
export async function rotateMasterCommand({ flags, around: { env, print } }: Called): Promise<number> {
  const work = () =>
    withStoredCore(readStoredConfig(env), async ({ db, ports }) => {
      const done = await vault.reseal({ db, vault: ports.vault }, sealedColumns);
      const ok = done.unreadable === 0 && !done.left;
      print(flags['json'] ? JSON.stringify({ ok, ...done }, null, 2) : said(done));
      return ok ? 0 : 1;
    });
  return orUnavailable(work, (error) => `The secrets cannot be sealed: ${String(error)}`);
}

function said({ resealed, unreadable, left }: vault.Resealed): string {
  const parts = [`${resealed} secrets were sealed anew.`];
  if (unreadable > 0)
    parts.push(`${unreadable} cannot be read by any key of MASTER_KEY and FORMER_MASTER_KEYS: name theirs.`);
  if (left)
    parts.push('Some are still sealed by a former key: stop what seals by it, and run the command again.');
  if (parts.length === 1) parts.push('All are under the present master key.');
  return parts.join(' ');
}
