import type { CheckFlags } from '../check/check.js';
import { dialects } from '../dialects.js';
import { faultNames } from '../mock/faults.js';
import type { MockFlags } from '../mock/MockOptions.js';
import { jsonFlag, readWhole, type CommandRow } from './Command.js';

const serve: CommandRow = {
  name: 'serve',
  says: 'run the API server; configured by the environment',
  flags: [
    { flag: '--port <number>', says: 'port, in place of PORT; 0: any free one' },
    { flag: '--host <address>', says: 'address to listen on, in place of HOST' },
  ],
  examples: ['DATABASE_URL=postgres://… agentpay serve --port 3100'],
  async run({ flags }) {
    const { serve: run } = await import('../serve.js');
    const port =
      flags['port'] === undefined ? {} : { PORT: String(readWhole('--port', flags['port'], 0, 65_535)) };
    const host = flags['host'] === undefined ? {} : { HOST: String(flags['host']) };
    return run({ ...process.env, ...port, ...host });
  },
};

const migrate: CommandRow = {
  name: 'migrate',
  says: 'bring the database up to date and end; the server does so itself when it starts',
  examples: ['DATABASE_URL=postgres://… agentpay migrate'],
  async run({ around }) {
    const { migrateCommand } = await import('../migrate.js');
    return migrateCommand(process.env, around.print);
  },
};

const seed: CommandRow = {
  name: 'seed',
  says: 'put demo agents and services into the database of a sandbox, once',
  examples: ['DATABASE_URL=postgres://… agentpay seed'],
  async run({ around }) {
    const { seedCommand } = await import('../seed.js');
    return seedCommand(process.env, around.print);
  },
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
  async run({ args, flags }) {
    const { check: run } = await import('../check/check.js');
    return run(args[0] as string, flags as CheckFlags);
  },
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
  ],
  examples: ['agentpay mock --price $0.02', 'agentpay mock --fault lost_answer --port 0'],
  async run({ flags }) {
    const { mock: run } = await import('../mock/mock.js');
    return run(flags as MockFlags);
  },
};

const verify: CommandRow = {
  name: 'ledger verify',
  says: 'recompute every balance and every chain of journals; names the first journal that was tampered with',
  flags: [jsonFlag],
  examples: ['DATABASE_URL=postgres://… agentpay ledger verify'],
  async run({ flags }) {
    const { verifyCommand } = await import('../ledger/verify.js');
    return verifyCommand(process.env, { json: flags['json'] === true });
  },
};

const reconcile: CommandRow = {
  name: 'ledger reconcile',
  says: 'compare custody accounts with their chains',
  flags: [jsonFlag],
  examples: ['DATABASE_URL=postgres://… agentpay ledger reconcile --json'],
  async run({ flags }) {
    const { reconcileCommand } = await import('../ledger/reconcile.js');
    return reconcileCommand(process.env, { json: flags['json'] === true });
  },
};

const rotateMaster: CommandRow = {
  name: 'keys rotate-master',
  says: 'seal the keys of all wallets anew under the present master key, while the API runs',
  examples: ['DATABASE_URL=postgres://… agentpay keys rotate-master'],
  async run() {
    const { rotateMasterCommand } = await import('../rotateMaster.js');
    return rotateMasterCommand(process.env);
  },
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
