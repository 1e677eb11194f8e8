import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { baseSepolia, type Clock } from '@agentpay/primitives';
import { prepareEmptyDb } from '@agentpay/storage';
import { AGREEMENT_OPERATOR } from '@agentpay/protocol';
import { privateKeyToAddress } from 'viem/accounts';
import type { DataDir, StackState } from './DataDir.js';
import type { LocalChain } from './localChain.js';
import { launchNode, type NodePart } from './nodePart.js';
import type { Ports } from './Ports.js';
import type { RegisteredAgents } from './registerAgents.js';
import type { Part, Supervisor } from './Supervisor.js';

/** The running parts of the local stack and where they are. */
export interface Stack {
  readonly urls: {
    readonly api: string;
    readonly facilitator: string;
    readonly seller: string;
    readonly chain: string;
  };
  readonly parts: {
    readonly api: Part;
    readonly facilitator: Part;
    readonly seller: Part;
    readonly chain: Part;
  };
  /** Secrets and identities, complete. */
  readonly state: Required<StackState>;
  /** The `Cookie` header of the user who owns the agents. */
  readonly cookie: string;
}

/** Test money that buyer and facilitator start with. */
const BUYER_USDC = 1_000_000_000n;
const AGENT_USDC = 1_000_000_000n;
const TREASURY_USDC = 1_000_000_000_000n;
export const FACILITATOR_WEI = 10n ** 20n;
/** How long the buyer of an agreement can object. */
export const CHALLENGE_WINDOW_SECONDS = 2;
/** Price of every route of the seller. */
export const PRICE = '$0.01';

/** The program of a package, beside its door. */
export const programOf = (name: string, file = 'bin.js') =>
  fileURLToPath(new URL(file, import.meta.resolve(`@agentpay/${name}`)));

export interface StackOptions {
  readonly ports: Ports;
  readonly data: DataDir;
  /** PostgreSQL of the API; undefined: an embedded one in the folder. */
  readonly databaseUrl: string | undefined;
  readonly blockTime: number;
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  /** Told of each part when it is ready. */
  readonly onReady: (name: string, url: string) => void;
}

/** Starts chain, facilitator, API and seller, each as soon as what it needs is there. @throws DevFault when one of them does not start */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { ports, data, databaseUrl, blockTime, supervisor, clock, onReady } = options;
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const urls = {
    api: url(ports.api),
    facilitator: url(ports.facilitator),
    seller: url(ports.seller),
    chain: url(ports.chain),
  };
  const state = data.readState();
  data.writeState(state);
  const startNode = async (part: NodePart): Promise<Part> => {
    const started = await supervisor.start(part.name, (signal) => launchNode(part, clock, signal));
    onReady(part.name, new URL(part.readyUrl).origin);
    return started;
  };

  // Both would make one; without a cache each does.
  await prepareEmptyDb(databaseCache()).catch(() => undefined);
  // The API asks the chain nothing before somebody pays.
  const starting = startNode(apiPart({ urls, data, state, databaseUrl }));
  starting.catch(() => undefined);
  // Loaded meanwhile: it takes as long as the API's own modules.
  const { startLocalChain } = await import('./localChain.js');
  const chain = await supervisor.start('chain', () =>
    startLocalChain({ port: ports.chain, blockTime, stateFile: data.path('chain.json'), keepStates: 0 }),
  );
  for (const key of [state.facilitatorKey, state.gasWalletKey])
    await chain.running.fund(privateKeyToAddress(key), { eth: FACILITATOR_WEI });
  onReady('chain', urls.chain);
  // Test money takes a block or two, which the others need not wait for.
  const [facilitator, api, { registerAgents }, { adoptTreasury, earn, registerMarket }] = await Promise.all([
    startNode(facilitatorPart({ urls, data, state })),
    starting,
    import('./registerAgents.js'),
    import('./registerMarket.js'),
    giveMoney(chain.running, state),
  ]);
  await adoptTreasury(state, urls.api);
  const { state: complete, cookie } = await registerAgents(state, {
    apiUrl: urls.api,
    sellerUrl: `${urls.seller}/paid`,
    price: PRICE,
    fund: (address) => chain.running.fund(address as `0x${string}`, { usdc: AGENT_USDC }),
  });
  const [seller, developer] = await Promise.all([
    startNode(sellerPart(urls, complete)),
    registerMarket(complete, { apiUrl: urls.api, agentUrl: `${urls.seller}/agent`, clock }),
  ]);
  const known = { ...complete, developer };
  data.writeState(known);
  await earn(known, urls.api);
  return { urls, parts: { api, facilitator, seller, chain }, state: known, cookie };
}

interface Place {
  readonly urls: Stack['urls'];
  readonly data: DataDir;
  readonly state: StackState;
}

type Stores = Pick<Place, 'data' | 'state'> & Pick<StackOptions, 'databaseUrl'>;

const listenAt = (url: string) => ({ PORT: new URL(url).port, HOST: '127.0.0.1' });

export function facilitatorPart({ urls, data, state }: Place): NodePart {
  return {
    name: 'facilitator',
    script: programOf('facilitator'),
    readyUrl: `${urls.facilitator}/readyz`,
    env: {
      ...listenAt(urls.facilitator),
      NETWORKS: baseSepolia.name,
      RPC_URL: urls.chain,
      DISCOVERY_HOSTS: 'localhost,127.0.0.1',
      SIGNER_KEYS: state.facilitatorKey,
      OPERATOR_ADDRESS: AGREEMENT_OPERATOR,
      DATA_DIR: data.path('facilitator'),
      DATABASE_CACHE: databaseCache(),
    },
  };
}

/** Where the API has its books, and the secret that they are read with. */
export function apiStores({ data, state, databaseUrl }: Stores): Record<string, string> {
  const embedded = { DATA_DIR: data.path('api'), DATABASE_CACHE: databaseCache() };
  return {
    ...(databaseUrl === undefined ? embedded : { DATABASE_URL: databaseUrl }),
    JWT_SECRET: state.jwtSecret,
  };
}

function apiPart({ urls, ...stores }: Stores & Place): NodePart {
  const { state } = stores;
  return {
    name: 'API',
    script: programOf('server'),
    args: ['serve'],
    readyUrl: `${urls.api}/readyz`,
    env: {
      ...listenAt(urls.api),
      PUBLIC_BASE_URL: urls.api,
      ...apiStores(stores),
      ADMIN_KEY: state.adminKey,
      OUTBOUND_LOOPBACK: 'true',
      SANDBOX_AUTO_APPROVE: 'true',
      CHALLENGE_WINDOW_SECONDS: String(CHALLENGE_WINDOW_SECONDS),
      BOOTSTRAP_GATEWAY_KEY: state.gatewayKey,
      STRIPE_WEBHOOK_SECRET: state.stripeWebhookSecret,
      TREASURY_KEY: state.treasuryKey,
      GAS_WALLET_KEY: state.gasWalletKey,
      FACILITATOR_URL: urls.facilitator,
      RPC_URLS: `${baseSepolia.name}=${urls.chain}`,
      DEV_SIGN_IN: 'true',
      DEMO_PAY_TO: privateKeyToAddress(state.sellerKey),
    },
  };
}

function sellerPart(urls: Stack['urls'], state: RegisteredAgents['state']): NodePart {
  return {
    name: 'seller',
    script: programOf('example-paid-api', 'main.js'),
    readyUrl: `${urls.seller}/health`,
    env: {
      ...listenAt(urls.seller),
      PRICE,
      PAY_TO: privateKeyToAddress(state.sellerKey),
      NETWORK: baseSepolia.name,
      FACILITATOR_URL: urls.facilitator,
      AGENTPAY_API_URL: urls.api,
      AGENTPAY_API_KEY: state.seller.apiKey,
      AGENTPAY_SERVICE_ID: state.serviceId,
      MPP_SECRET: state.mppSecret,
    },
  };
}

/** Saves the seconds in which facilitator and API would make their databases. */
const databaseCache = () => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'agentpay');

// At every start, so that a kept folder never runs dry.
async function giveMoney(chain: LocalChain, state: StackState): Promise<void> {
  await Promise.all([
    chain.fund(privateKeyToAddress(state.buyerKey), { usdc: BUYER_USDC }),
    chain.fund(privateKeyToAddress(state.treasuryKey), { usdc: TREASURY_USDC }),
  ]);
}
