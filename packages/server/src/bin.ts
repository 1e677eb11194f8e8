#!/usr/bin/env node
import { Command } from 'commander';
import type { CheckFlags } from './check/check.js';
import { devCommand } from './devCommand.js';
import type { MockFlags } from './mock/MockOptions.js';
import { serve } from './serve.js';

const program = new Command('agentpay').description('AgentPay: sell and buy over HTTP 402.');

program
  .command('serve')
  .description('run the API server; configured by the environment')
  .action(async () => {
    process.exitCode = await serve(process.env);
  });

program
  .command('dev')
  .description('run the whole stack on this machine, within the repository of AgentPay')
  .helpOption(false)
  .allowUnknownOption()
  .allowExcessArguments()
  .action(async (_flags: object, command: Command) => {
    process.exitCode = await devCommand(command.args);
  });

program
  .command('check')
  .description('check what a paid URL says to buyers, browsers and caches; pays nothing')
  .argument('<url>', 'the URL, of any seller')
  .option('--method <method>', 'method to ask with')
  .option('--json', 'print the findings as JSON')
  .action(async (url: string, flags: CheckFlags) => {
    const { check } = await import('./check/check.js');
    process.exitCode = await check(url, flags);
  });

program
  .command('mock')
  .description('run a seller for tests of buyers: no chain, no money')
  .option('--port <number>', 'port; 0: any free one')
  .option('--price <price>', 'price of everything, such as $0.01')
  .option('--network <name>', 'base-sepolia or base')
  .option('--pay-to <address>', 'recipient that the offers name')
  .option('--dialects <list>', 'what it speaks: x402v2,x402v1,mpp')
  .option('--fault <name>', 'what goes wrong')
  .option('--delay <ms>', 'how slow the fault "slow" is')
  .action(async (flags: MockFlags) => {
    const { mock } = await import('./mock/mock.js');
    process.exitCode = await mock(flags);
  });

const books = program.command('ledger').description('look into the books');

books
  .command('verify')
  .description(
    'recompute every balance and every chain of journals; names the first journal that was tampered with',
  )
  .action(async () => {
    const { verifyCommand } = await import('./ledger/verify.js');
    process.exitCode = await verifyCommand(process.env);
  });

books
  .command('reconcile')
  .description('compare custody accounts with their chains')
  .action(async () => {
    const { reconcileCommand } = await import('./ledger/reconcile.js');
    process.exitCode = await reconcileCommand(process.env);
  });

program
  .command('keys')
  .description('look after the keys of wallets')
  .command('rotate-master')
  .description('seal the keys of all wallets anew under the present master key, while the API runs')
  .action(async () => {
    const { rotateMasterCommand } = await import('./rotateMaster.js');
    process.exitCode = await rotateMasterCommand(process.env);
  });

await program.parseAsync();
