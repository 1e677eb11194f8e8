import { custody } from '@agentpay/core';
import { ConfigError, createLogger } from '@agentpay/http';
import { CommandFault } from './commands/Command.js';
import { compose } from './compose.js';
import { readConfig } from './config.js';

/**
 * `agentpay keys rotate-master`: seals the keys of all wallets anew under the present master key, while the API runs. The former key may
 * leave FORMER_MASTER_KEYS when it is done and nothing else was sealed by it.
 * @returns the exit code: 0 when all are sealed by the present key
 * @throws CommandFault when they could not be, with exit code 2
 */
export async function rotateMasterCommand(env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const composition = await compose(readConfig(env), { log: createLogger('error'), baseUrl: () => '' });
    try {
      let count = 0;
      for (let left = true; left;) {
        const done = await custody.rewrap(composition.core);
        count += done.rewrapped;
        ({ left } = done);
      }
      process.stdout.write(
        `${count} keys of wallets were sealed anew; all are under the present master key.\n`,
      );
      return 0;
    } finally {
      await composition.close();
    }
  } catch (error) {
    const said = error instanceof ConfigError ? error.message : `The keys cannot be sealed: ${String(error)}`;
    throw new CommandFault('unavailable', said, { exitCode: 2, cause: error });
  }
}
