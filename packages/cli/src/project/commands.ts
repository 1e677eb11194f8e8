import { jsonFlag, type CommandRow } from '@agentpay/http/commands';

export const initCommand: CommandRow = {
  name: 'init',
  says: 'write a seller or a buyer that runs: npm install, npm start',
  args: ['[folder]'],
  flags: [
    { flag: '--kind <kind>', says: 'seller or buyer; asked for on a terminal', values: ['seller', 'buyer'] },
    { flag: '--price <price>', says: 'of a request, or the most that one may cost; default $0.01' },
    { flag: '--pay-to <address>', says: 'who is paid; default: a key made for you' },
    { flag: '--network <name>', says: 'base-sepolia (default) or base', values: ['base-sepolia', 'base'] },
    { flag: '--facilitator <url>', says: 'who settles; default: that of "agentpay dev"' },
    { flag: '--url <url>', says: 'what the buyer buys; default: what the seller sells' },
    { flag: '--tarballs <folder>', says: 'packages that "npm run pack" made, until they are published' },
    jsonFlag,
  ],
  examples: [
    'agentpay init',
    `agentpay init weather --kind seller --price '$0.02'`,
    'agentpay init agent --kind buyer --tarballs ../agentpay/tarballs',
  ],
  run: async (called) => (await import('./init.js')).init(called),
};
