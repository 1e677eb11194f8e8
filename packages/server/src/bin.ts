#!/usr/bin/env node
import { runCommands } from '@agentpay/http/commands';
import { serverCommands, serverGroups } from './commands/index.js';
import { version } from './version.js';

process.exitCode = await runCommands(
  {
    name: 'agentpay-server',
    standsFor: 'agentpay',
    says: 'The API server of AgentPay, and what looks after it.',
    version,
    commands: serverCommands,
    groups: serverGroups,
  },
  process.argv.slice(2),
);
