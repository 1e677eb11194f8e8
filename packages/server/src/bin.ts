#!/usr/bin/env node
import { Command } from 'commander';
import { serve } from './serve.js';

const program = new Command('agentpay').description('AgentPay: sell and buy over HTTP 402.');

program
  .command('serve')
  .description('run the API server; configured by the environment')
  .action(async () => {
    process.exitCode = await serve(process.env);
  });

await program.parseAsync();
