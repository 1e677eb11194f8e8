import { jsonFlag, type CommandRow } from '@agentpay/http/commands';

/** The command of the local stack, which the command line of AgentPay has among its own. */
export const devCommand: CommandRow = {
  name: 'dev',
  says: 'run the whole stack on this machine: local chain, facilitator, API and a paid seller',
  flags: [
    { flag: '--port <number>', says: 'port of the API; default 3100; 0: any free one' },
    { flag: '--once', says: 'leave after buying once in each dialect' },
    { ...jsonFlag, says: 'print the purchases as JSON, failures as well' },
    { flag: '--data <folder>', says: 'keep everything in this folder' },
    {
      flag: '--keep',
      says: 'keep everything in .agentpay, the books in the PostgreSQL of DATABASE_URL where that is set',
    },
    { flag: '--block-time <seconds>', says: 'seconds between blocks of the local chain; default 0.5' },
  ],
  examples: ['agentpay dev', 'agentpay dev --data ./stack --port 4000', 'agentpay dev --once --json'],
  run: async (called) => (await import('./dev.js')).dev(called),
};
