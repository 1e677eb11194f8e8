#!/usr/bin/env -S node --max-semi-space-size=32
import { runCommands } from '@agentpay/http/commands';
import { facilitatorCommands, facilitatorGroups } from './commands.js';
import { version } from './version.js';

process.exitCode = await runCommands(
  {
    name: 'agentpay-facilitator',
    standsFor: 'agentpay facilitator',
    says: 'Settles payments for sellers.',
    version,
    commands: facilitatorCommands,
    groups: facilitatorGroups,
  },
  process.argv.slice(2),
);
