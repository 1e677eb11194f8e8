import { serverCommands, serverGroups, type CommandRow, type CommandTable } from '@agentpay/server/commands';
import { completionCommand } from './completion/completion.js';
import { payCommand } from './pay/commands.js';
import { platformCommands } from './platform/commands.js';
import { initCommand } from './project/commands.js';
import { earningsCommand, sellCommand } from './sell/commands.js';
import { version } from './version.js';
import { walletCommands } from './wallet/commands.js';

const dev: CommandRow = {
  name: 'dev',
  says: 'run the whole stack on this machine: local chain, facilitator, API and a paid seller',
  passesOn: true,
  async run({ args }) {
    const { runDev } = await import('@agentpay/dev');
    return runDev(args);
  },
};

const facilitator: CommandRow = {
  name: 'facilitator',
  says: 'settle payments for sellers; configured by the environment',
  passesOn: true,
  async run({ args }) {
    const { facilitator: run } = await import('./facilitator.js');
    return run(args);
  },
};

/** Every command of `agentpay`. Help, completion and the reading of words are made from it. */
export const table: CommandTable = {
  name: 'agentpay',
  says: 'AgentPay: sell and buy over HTTP 402.',
  version,
  commands: [
    sellCommand,
    earningsCommand,
    payCommand,
    ...walletCommands,
    initCommand,
    ...platformCommands,
    dev,
    facilitator,
    ...serverCommands,
    completionCommand(() => table),
  ],
  groups: {
    ...serverGroups,
    wallet: 'a key that pays, and its money',
    events: 'what happens to an agent',
    logs: 'what was done',
  },
};
