#!/usr/bin/env node
import { Command } from 'commander';
import type { DevFlags } from './dev/DevOptions.js';
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
  .description('run the whole stack on this machine: local chain, facilitator, API and a paid seller')
  .option('--port <number>', 'port of the API; 0: any free one')
  .option('--once', 'leave after buying once in each dialect')
  .option('--json', 'print the purchases as JSON')
  .option('--data <folder>', 'keep everything in this folder')
  .option('--block-time <seconds>', 'seconds between blocks of the local chain')
  .allowExcessArguments()
  .action(async (flags: DevFlags, command: Command) => {
    // Loaded here, so that the API server does not carry the local stack.
    const { dev } = await import('./dev/dev.js');
    process.exitCode = await dev(flags, command.args);
  });

await program.parseAsync();
