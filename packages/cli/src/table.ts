import { devCommand } from '@agentpay/dev/commands';
import { facilitatorCommands, facilitatorGroups } from '@agentpay/facilitator/commands';
import type { CommandTable } from '@agentpay/http/commands';
import { serverCommands, serverGroups } from '@agentpay/server/commands';
import { completionCommand } from './completion/completion.js';
import { payCommand } from './pay/commands.js';
import { platformCommands } from './platform/commands.js';
import { initCommand } from './project/commands.js';
import { earningsCommand, sellCommand } from './sell/commands.js';
import { version } from './version.js';
import { walletCommands } from './wallet/commands.js';

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
    devCommand,
    ...facilitatorCommands,
    ...serverCommands,
    completionCommand(() => table),
  ],
  groups: {
    ...serverGroups,
    ...facilitatorGroups,
    wallet: 'a key that pays, and its money',
    events: 'what happens to an agent',
    logs: 'what was done',
  },
};
