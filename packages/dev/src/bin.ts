#!/usr/bin/env node
import { runCommands } from '@agentpay/http/commands';
import { devCommand } from './commands.js';
import { version } from './version.js';

process.exitCode = await runCommands(
  {
    name: 'agentpay-dev',
    standsFor: 'agentpay dev',
    says: devCommand.says,
    version,
    commands: [devCommand],
    groups: {},
  },
  process.argv.slice(2),
);
