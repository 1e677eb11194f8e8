import { jsonFlag, type CommandRow } from '@agentpay/http/commands';
import { walletFlag } from '../wallet/commands.js';

export const payCommand: CommandRow = {
  name: 'pay',
  says: 'fetch a URL and pay for it when it asks for payment, as curl that pays',
  args: ['<url>'],
  flags: [
    { flag: '-X, --request <method>', says: 'method; default: GET, with --data POST' },
    { flag: '-H, --header <line>', says: 'header, such as "Accept: text/plain"', many: true },
    { flag: '-d, --data <text>', says: 'body; @file reads a file, @- standard input' },
    { flag: '--max <price>', says: 'most that it may cost; default $1' },
    { flag: '--max-per-day <price>', says: 'most that this wallet’s purchases may cost in 24 hours' },
    {
      flag: '--network <name>',
      says: 'network that may be paid on; default: test networks. base is real money',
      many: true,
      values: ['base-sepolia', 'base'],
    },
    walletFlag,
    { flag: '-i, --include', says: 'show status and headers before the body' },
    { flag: '-o, --output <file>', says: 'write the body to a file' },
    {
      flag: '--facilitator <url>',
      says: 'facilitator of AgentPay that is asked what became of a payment when the seller does not say',
    },
    { flag: '--timeout <seconds>', says: 'how long one attempt may take; default 60' },
    jsonFlag,
  ],
  examples: [
    'agentpay pay http://localhost:3101/paid',
    `agentpay pay https://api.example.com/generate -d '{"text":"Hello"}' --max '$0.10'`,
    'agentpay pay https://api.example.com/weather --network base --json',
  ],
  run: async (called) => (await import('./pay.js')).pay(called),
};
