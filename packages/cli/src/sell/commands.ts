import { jsonFlag, type CommandRow } from '@agentpay/http/commands';

export const sellCommand: CommandRow = {
  name: 'sell',
  says: 'sell an HTTP API or an MCP server that exists, without changing it',
  args: ['[words...]'],
  flags: [
    { flag: '--upstream <url>', says: 'the API that is sold; default: the first server of the document' },
    { flag: '--mcp', says: 'sell the tools of an MCP server; its command stands behind --' },
    { flag: '--price <price>', says: 'what a request or call costs, such as $0.01' },
    { flag: '--prices <file>', says: 'JSON with prices by "METHOD /path" or by tool; "free" is one of them' },
    { flag: '--pay-to <address>', says: 'who is paid; default on the local chain: a key made for you' },
    {
      flag: '--network <name>',
      says: 'local (default), base-sepolia or base',
      values: ['local', 'base-sepolia', 'base'],
    },
    {
      flag: '--facilitator <url>',
      says: 'who settles payments; default: one on this machine, with a chain of its own',
    },
    {
      flag: '--upstream-header <line>',
      says: 'sent to the API, such as "X-Api-Key: $UPSTREAM_KEY"',
      many: true,
    },
    { flag: '--port <number>', says: 'port to sell on; default 4021; 0: any free one' },
    { flag: '--host <address>', says: 'address to listen on; default 127.0.0.1' },
    { flag: '--base-url <url>', says: 'where buyers reach it; default: as they ask' },
    { flag: '--data <folder>', says: 'keeps keys, payments and the local chain; default .agentpay/sell' },
    { flag: '--timeout <seconds>', says: 'how long a request may take; default 60' },
    { ...jsonFlag, says: 'print what is sold, and each payment, as lines of JSON' },
  ],
  examples: [
    `agentpay sell ./openapi.json --upstream http://127.0.0.1:8000 --price '$0.01'`,
    `agentpay sell --mcp -- node server.js --price '$0.01'`,
    `agentpay sell --upstream http://127.0.0.1:8000 --prices prices.json --network base --facilitator https://… --pay-to 0x…`,
  ],
  run: async (called) => (await import('./sell.js')).sell(called),
};

export const earningsCommand: CommandRow = {
  name: 'earnings',
  says: 'add up what "agentpay sell" has been paid in this folder',
  flags: [{ flag: '--data <folder>', says: 'as for sell; default .agentpay/sell' }, jsonFlag],
  examples: ['agentpay earnings', 'agentpay earnings --json'],
  run: async (called) => (await import('./earnings.js')).earnings(called),
};
