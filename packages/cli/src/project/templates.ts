import { readFileSync } from 'node:fs';
import { version } from '../version.js';

/** What a project is made from. */
export interface ProjectChoices {
  readonly name: string;
  readonly kind: 'seller' | 'buyer';
  readonly price: string;
  readonly network: string;
  readonly facilitator: string;
  /** Who is paid, or the key that pays. */
  readonly address: string;
  readonly privateKey: string | undefined;
  /** What is bought. */
  readonly url: string;
  /** Tarballs of packages that are not published, by package. */
  readonly tarballs: Readonly<Record<string, string>> | undefined;
}

/** A file of a project. */
export interface ProjectFile {
  readonly path: string;
  readonly text: string;
  /** Readable by its owner alone. */
  readonly isPrivate?: boolean;
}

const EXPRESS = '5.3.0';
/** Where "agentpay dev" has its facilitator. */
export const LOCAL_FACILITATOR = 'http://127.0.0.1:3102';

/** The files of a project that runs as it is: `npm install`, then `npm start`. */
export function projectFiles(choices: ProjectChoices): readonly ProjectFile[] {
  const isSeller = choices.kind === 'seller';
  return [
    { path: 'package.json', text: manifest(choices) },
    { path: isSeller ? 'server.js' : 'buy.js', text: program(isSeller ? 'server.js' : 'buy.js') },
    { path: '.env', text: isSeller ? sellerEnv(choices) : buyerEnv(choices), isPrivate: true },
    { path: '.gitignore', text: 'node_modules\n.env\n.agentpay\n' },
    { path: 'README.md', text: isSeller ? sellerReadme(choices) : buyerReadme(choices) },
  ];
}

const program = (name: string) => readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8');

function manifest({ name, kind, tarballs }: ProjectChoices): string {
  const main = kind === 'seller' ? '@agentpay/paywall' : '@agentpay/sdk';
  const from = (one: string) => (tarballs?.[one] === undefined ? version : `file:${tarballs[one]}`);
  const others = Object.keys(tarballs ?? {}).filter((one) => one !== main);
  const text = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: { start: `node --env-file=.env ${kind === 'seller' ? 'server.js' : 'buy.js'}` },
    dependencies: { [main]: from(main), ...(kind === 'seller' && { express: EXPRESS }) },
    ...(others.length > 0 && { overrides: Object.fromEntries(others.map((one) => [one, from(one)])) }),
    engines: { node: '>=20.19' },
  };
  return `${JSON.stringify(text, null, 2)}\n`;
}

function sellerEnv({ address, privateKey, price, network, facilitator }: ProjectChoices): string {
  const key =
    privateKey === undefined
      ? ''
      : `# The key of PAY_TO: whoever has it has the money.\nPRIVATE_KEY=${privateKey}\n`;
  return `PORT=3000
PAY_TO=${address}
PRICE='${price}'
NETWORK=${network}
FACILITATOR_URL=${facilitator}
${key}`;
}

function buyerEnv({ privateKey, price, network, url }: ProjectChoices): string {
  return `SELLER_URL=${url}
MAX_PRICE='${price}'
NETWORK=${network}
# Whoever has this key has the money.
PRIVATE_KEY=${privateKey}
`;
}

function sellerReadme({ name, facilitator, price }: ProjectChoices): string {
  const isLocal = facilitator === LOCAL_FACILITATOR;
  const start = isLocal ? ', which `npx @agentpay/cli dev` runs: start it first' : '';
  return `# ${name}

Sells \`GET /weather\` for ${price}.

\`\`\`sh
npm install
npm start
curl -i http://localhost:3000/weather     # the offer
\`\`\`

Payments are settled by ${facilitator}${start}; \`.env\` has the price, the network and who is paid. For real money set
\`NETWORK=base\` and a facilitator that settles there.
`;
}

function buyerReadme({ name, address, url }: ProjectChoices): string {
  return `# ${name}

Buys ${url} as ${address}.

\`\`\`sh
npm install
npm start
\`\`\`

The address needs test USDC: on a local chain by \`npx @agentpay/cli wallet fund ${address}\`, in the folder where
\`npx @agentpay/cli dev\` or \`sell\` runs; on Base Sepolia from https://faucet.circle.com.

\`.env\` has the key, the most that a request may cost, and the network that may be paid on.
`;
}
