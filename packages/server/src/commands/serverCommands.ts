import { jsonFlag, readWhole, type CommandRow } from '@agentpay/http/commands';
import { dialects } from '../dialects.js';
import { faultNames } from '../mock/faults.js';

const serve: CommandRow = {
  name: 'serve',
  says: 'run the API server; configured by the environment',
  flags: [
    { flag: '--port <number>', says: 'port, in place of PORT; 0: any free one' },
    { flag: '--host <address>', says: 'address to listen on, in place of HOST' },
    { ...jsonFlag, says: 'print its URL as JSON, failures as well' },
  ],
  examples: ['agentpay serve', 'DATABASE_URL=postgres://… agentpay serve --port 3100'],
  async run({ flags, around }) {
    const port =
      flags['port'] === undefined ? {} : { PORT: String(readWhole('--port', flags['port'], 0, 65_535)) };
    const host = flags['host'] === undefined ? {} : { HOST: String(flags['host']) };
    const { serve: run } = await import('../serve.js');
    return run({ flags, args: [], around: { ...around, env: { ...around.env, ...port, ...host } } });
  },
};

const migrate: CommandRow = {
  name: 'migrate',
  says: 'bring the database up to date and end; the server does so itself when it starts',
  examples: ['DATABASE_URL=postgres://… agentpay migrate'],
  flags: [jsonFlag],
  run: async (called) => (await import('../migrate.js')).migrateCommand(called),
};

const seed: CommandRow = {
  name: 'seed',
  says: 'put demo agents and services into the database of a sandbox, once',
  examples: ['DATABASE_URL=postgres://… agentpay seed'],
  flags: [jsonFlag],
  run: async (called) => (await import('../seed.js')).seedCommand(called),
};

const check: CommandRow = {
  name: 'check',
  says: 'check what a paid URL says to buyers, browsers, caches and indexers; pays nothing',
  args: ['<url>'],
  flags: [
    {
      flag: '--method <method>',
      says: 'method to ask with',
      values: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    },
    jsonFlag,
  ],
  examples: [
    'agentpay check https://api.example.com/weather',
    'agentpay check http://localhost:3101/paid --json',
  ],
  run: async (called) => (await import('../check/check.js')).check(called),
};

const mock: CommandRow = {
  name: 'mock',
  says: 'run a seller for tests of buyers: no chain, no money',
  flags: [
    { flag: '--port <number>', says: 'port; 0: any free one' },
    { flag: '--price <price>', says: 'price of everything, such as $0.01' },
    { flag: '--network <name>', says: 'network that the offers name', values: ['base-sepolia', 'base'] },
    { flag: '--pay-to <address>', says: 'recipient that the offers name' },
    { flag: '--dialects <list>', says: `what it speaks: ${dialects.join(',')}` },
    { flag: '--fault <name>', says: 'what goes wrong', values: faultNames },
    { flag: '--delay <ms>', says: 'how slow the fault "slow" is' },
    { ...jsonFlag, says: 'print its URL as JSON, failures as well' },
  ],
  examples: ['agentpay mock --price $0.02', 'agentpay mock --fault lost_response --port 0'],
  run: async (called) => (await import('../mock/mock.js')).mock(called),
};

const verify: CommandRow = {
  name: 'ledger verify',
  says: 'recompute every balance and every chain of journals; names the first journal that was tampered with',
  flags: [jsonFlag],
  examples: ['DATABASE_URL=postgres://… agentpay ledger verify'],
  run: async (called) => (await import('../ledger/verify.js')).verifyCommand(called),
};

const reconcile: CommandRow = {
  name: 'ledger reconcile',
  says: 'compare custody accounts with their chains',
  flags: [jsonFlag],
  examples: ['DATABASE_URL=postgres://… agentpay ledger reconcile --json'],
  run: async (called) => (await import('../ledger/reconcile.js')).reconcileCommand(called),
};

const rotateMaster: CommandRow = {
  name: 'keys rotate-master',
  says: 'seal the keys of all wallets anew under the present master key, while the API runs',
  flags: [jsonFlag],
  examples: ['DATABASE_URL=postgres://… agentpay keys rotate-master'],
  run: async (called) => (await import('../rotateMaster.js')).rotateMasterCommand(called),
};

/** The commands of the server, which the command line of AgentPay has among its own. */
export const serverCommands: readonly CommandRow[] = [
  serve,
  migrate,
  seed,
  check,
  mock,
  verify,
  reconcile,
  rotateMaster,
];

export const serverGroups = { ledger: 'look into the books', keys: 'look after the keys of wallets' };
