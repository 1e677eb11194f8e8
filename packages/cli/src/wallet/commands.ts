import { jsonFlag, type CommandRow, type FlagRow } from '@agentpay/http/commands';

export const walletFlag: FlagRow = {
  flag: '--wallet <file>',
  says: 'wallet file; default: AGENTPAY_WALLET_FILE, else ~/.agentpay/wallet.json',
};
const placeFlags: readonly FlagRow[] = [
  {
    flag: '--network <name>',
    says: 'local, base-sepolia or base; default: local where one runs in this folder, else base-sepolia',
    values: ['local', 'base-sepolia', 'base'],
  },
  { flag: '--rpc-url <url>', says: 'RPC node of the network; default: AGENTPAY_RPC_URL, else a public one' },
];

const create: CommandRow = {
  name: 'wallet create',
  says: 'make a key, in a file that its owner alone can read',
  flags: [walletFlag, { flag: '--show-key', says: 'print the private key as well' }, jsonFlag],
  examples: ['agentpay wallet create', 'agentpay wallet create --wallet ./shop.json --json'],
  run: async (called) => (await import('./wallet.js')).create(called),
};

const balance: CommandRow = {
  name: 'wallet balance',
  says: 'show what the wallet, or an address, has',
  args: ['[address]'],
  flags: [walletFlag, ...placeFlags, jsonFlag],
  examples: ['agentpay wallet balance', 'agentpay wallet balance --network base'],
  run: async (called) => (await import('./wallet.js')).balance(called),
};

const fund: CommandRow = {
  name: 'wallet fund',
  says: 'get test money: minted on the local chain, elsewhere says where to get some',
  args: ['[address]'],
  flags: [{ flag: '--amount <dollars>', says: 'how much; default $10' }, walletFlag, ...placeFlags, jsonFlag],
  examples: ['agentpay wallet fund', 'agentpay wallet fund --amount $100'],
  run: async (called) => (await import('./wallet.js')).fund(called),
};

export const walletCommands: readonly CommandRow[] = [create, balance, fund];
