import { fileURLToPath } from 'node:url';
import { baseSepolia, type Clock } from '@agentpay/primitives';
import { privateKeyToAddress } from 'viem/accounts';
import type { DataDir, StackState } from './DataDir.js';
import { startLocalChain, type LocalChain } from './localChain.js';
import { launchNode, type NodePart } from './nodePart.js';
import type { Ports } from './Ports.js';
import { registerAgents } from './registerAgents.js';
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
}

/** Test money that buyer and facilitator start with. */
const BUYER_USDC = 1_000_000_000n;
const FACILITATOR_WEI = 10n ** 20n;
/** Price of every route of the seller. */
const PRICE = '$0.01';

const workspace = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

export interface StackOptions {
  readonly ports: Ports;
  readonly data: DataDir;
  readonly blockTime: number;
  readonly supervisor: Supervisor;
  readonly clock: Clock;
}

/** Starts chain, facilitator, API and seller, in this order of need. @throws DevFault when one of them does not start */
export async function startStack({
  ports,
  data,
  blockTime,
  supervisor,
  clock,
}: StackOptions): Promise<Stack> {
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const urls = {
    api: url(ports.api),
    facilitator: url(ports.facilitator),
    seller: url(ports.seller),
    chain: url(ports.chain),
  };
  const state = data.readState();
  data.writeState(state);
  const startNode = (part: NodePart) => supervisor.start(part.name, () => launchNode(part, clock));

  const chain = await supervisor.start('chain', () =>
    startLocalChain({ port: ports.chain, blockTime, stateFile: data.path('chain.json'), keepStates: 0 }),
  );
  await giveMoney(chain.running, state);
  const [facilitator, api] = await Promise.all([
    startNode({
      name: 'facilitator',
      script: workspace('packages/facilitator/dist/bin.js'),
      readyUrl: `${urls.facilitator}/health`,
      env: {
        PORT: String(ports.facilitator),
        HOST: '127.0.0.1',
        NETWORKS: baseSepolia.name,
        RPC_URL: urls.chain,
        SIGNER_KEYS: state.facilitatorKey,
        DATA_DIR: data.path('facilitator'),
      },
    }),
    startNode({
      name: 'API',
      script: workspace('packages/server/dist/bin.js'),
      args: ['serve'],
      readyUrl: `${urls.api}/readyz`,
      env: {
        PORT: String(ports.api),
        HOST: '127.0.0.1',
        PUBLIC_BASE_URL: urls.api,
        DATA_DIR: data.path('api'),
        JWT_SECRET: state.jwtSecret,
        ADMIN_KEY: state.adminKey,
      },
    }),
  ]);
  const complete = await registerAgents(state, {
    apiUrl: urls.api,
    sellerUrl: `${urls.seller}/paid`,
    price: PRICE,
  });
  data.writeState(complete);
  const seller = await startNode({
    name: 'seller',
    script: workspace('examples/paid-api/dist/main.js'),
    readyUrl: `${urls.seller}/health`,
    env: {
      PORT: String(ports.seller),
      HOST: '127.0.0.1',
      PRICE,
      PAY_TO: privateKeyToAddress(state.sellerKey),
      NETWORK: baseSepolia.name,
      FACILITATOR_URL: urls.facilitator,
      AGENTPAY_API_URL: urls.api,
      AGENTPAY_API_KEY: complete.seller.apiKey,
      AGENTPAY_SERVICE_ID: complete.serviceId,
      MPP_SECRET: state.mppSecret,
    },
  });
  return { urls, parts: { api, facilitator, seller, chain }, state: complete };
}

// At every start, so that a kept folder never runs dry.
async function giveMoney(chain: LocalChain, state: StackState): Promise<void> {
  await chain.fund(privateKeyToAddress(state.facilitatorKey), { eth: FACILITATOR_WEI });
  await chain.fund(privateKeyToAddress(state.buyerKey), { usdc: BUYER_USDC });
}
