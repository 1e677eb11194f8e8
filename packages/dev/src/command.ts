import { Command } from 'commander';
import { dev } from './dev.js';
import type { DevFlags } from './DevOptions.js';

/** The command line of `agentpay-dev`, and of `agentpay dev`. @returns the exit code */
export async function runDev(args: readonly string[]): Promise<number> {
  let code = 0;
  await new Command('agentpay-dev')
    .description('Runs the whole stack on this machine: local chain, facilitator, API and a paid seller.')
    .option('--port <number>', 'port of the API; 0: any free one')
    .option('--once', 'leave after buying once in each dialect')
    .option('--json', 'print the purchases as JSON')
    .option('--data <folder>', 'keep everything in this folder')
    .option(
      '--keep',
      'keep everything in .agentpay, the books in the PostgreSQL of DATABASE_URL where that is set',
    )
    .option('--block-time <seconds>', 'seconds between blocks of the local chain')
    .allowExcessArguments()
    .action(async (flags: DevFlags, command: Command) => {
      code = await dev(flags, command.args);
    })
    .parseAsync([...args], { from: 'user' });
  return code;
}
