import { setTimeout as sleep } from 'node:timers/promises';
import { baseSepolia } from '@agentpay/primitives';
import type { Call } from '@agentpay/evm';
import { readConfig, start } from '@agentpay/facilitator';
import { startLocalChain } from '@agentpay/dev';
import { testUsdc, type Artifact } from '@agentpay/solidity';
import { eventually, rpcProxy, testDatabase, type RpcProxy } from '@agentpay/testing';
import { pino } from 'pino';
import {
  createPublicClient,
  encodeDeployData,
  encodeFunctionData,
  http,
  isAddressEqual,
  toHex,
  type Abi,
  type Hex,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { usdcReader } from '../interop/stack.js';
import { newAccount, PRICE } from './payment.js';

/** What a facilitator says of a request, however it says it. */
export interface Said {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly isValid?: boolean;
  readonly invalidReason?: string;
  readonly success?: boolean;
  readonly errorReason?: string;
  readonly repeat?: boolean;
  readonly nonceUse?: string;
  readonly transaction?: Hex;
  readonly code?: string;
}

/** The facilitator's own server, from outside. */
export interface Target {
  readonly url: string;
  /** Account that pays its gas. */
  readonly signer: Hex;
  verify(body: unknown): Promise<Said>;
  settle(body: unknown): Promise<Said>;
  stop(): Promise<void>;
}

/** A chain, a node that can be made to misbehave, and facilitators that use it. Everything ends with it. */
export interface AttackBed {
  readonly proxy: RpcProxy;
  /** Starts a facilitator with a new account, on a database of its own unless `env` names one. */
  start(env?: Readonly<Record<string, string>>): Promise<Target>;
  /** URL of a new empty database. */
  database(): Promise<string>;
  /** A new account with test USDC, or ether. */
  payer(amount?: bigint): Promise<PrivateKeyAccount>;
  fund(account: Hex, amount: bigint): Promise<void>;
  usdc(account: Hex): Promise<bigint>;
  /** Transactions of the account in blocks; with `pending` also those that wait. */
  sent(account: Hex, tag?: 'latest' | 'pending'): Promise<number>;
  /** Somebody else's call, in a block when this resolves. It goes before everything that waits. */
  act(call: Call): Promise<Hex>;
  deploy(artifact: Artifact, args?: readonly unknown[]): Promise<Hex>;
  /** A call of the token by anybody, such as `pause` or `blacklist`. */
  token(functionName: string, ...args: readonly unknown[]): Promise<Hex>;
  /** No block comes by itself while `work` runs. */
  withoutBlocks<T>(work: () => Promise<T>): Promise<T>;
  /** The number of the latest block. */
  height(): Promise<bigint>;
  /** Gas that the account has paid for in the blocks behind this one. */
  gasOf(account: Hex, since: bigint): Promise<bigint>;
  close(): Promise<void>;
}

const BLOCK_MS = 80;
const token = { address: baseSepolia.usdc.address, abi: testUsdc.abi as Abi };

export async function openAttackBed(): Promise<AttackBed> {
  const chain = await startLocalChain({ blockTime: 0.1 });
  const proxy = await rpcProxy({ target: chain.rpcUrl });
  const client = createPublicClient({ transport: http(chain.rpcUrl), cacheTime: 0 });
  const rpc = <T>(method: string, params: readonly unknown[] = []) =>
    client.request({ method, params } as never) as Promise<T>;
  const [stranger] = (await rpc<Hex[]>('eth_accounts')).slice(1) as [Hex];
  const ends: (() => Promise<void>)[] = [];
  const mine = () => rpc<void>('evm_mine');
  const beat = await heart(rpc, mine);

  async function act(transaction: { to?: Hex; data: Hex }): Promise<Hex> {
    const fees = { maxFeePerGas: toHex(10n ** 12n), maxPriorityFeePerGas: toHex(10n ** 11n) };
    const hash = await rpc<Hex>('eth_sendTransaction', [
      { from: stranger, gas: toHex(3_000_000), ...fees, ...transaction },
    ]);
    await mine();
    const receipt = await client.getTransactionReceipt({ hash });
    if (receipt.status !== 'success') throw new Error(`${hash} was reverted.`);
    return receipt.contractAddress ?? hash;
  }

  async function database(): Promise<string> {
    const { url, drop } = await testDatabase();
    ends.push(drop);
    return url;
  }

  async function startFacilitator(env: Readonly<Record<string, string>> = {}): Promise<Target> {
    const key = generatePrivateKey();
    const signer = privateKeyToAccount(key).address;
    await chain.fund(signer, { eth: 10n ** 18n });
    // Whoever acts here pays 100 gwei to be first, and so the node asks as much of everybody.
    const common = {
      PORT: '0',
      HOST: '127.0.0.1',
      RPC_URL: proxy.url,
      SIGNER_KEYS: key,
      POLL_MS: '40',
      MAX_FEE_GWEI: '500',
    };
    const config = readConfig({ ...common, DATABASE_URL: env['DATABASE_URL'] ?? (await database()), ...env });
    const server = await start(config, pino({ level: 'silent' }));
    let stopped: Promise<void> | undefined;
    const stop = () => (stopped ??= server.close());
    ends.push(stop);
    const { url } = server;
    return {
      url,
      signer,
      stop,
      verify: (body) => post(`${url}/verify`, body),
      settle: (body) => post(`${url}/settle`, body),
    };
  }

  return {
    proxy,
    start: startFacilitator,
    database,
    async payer(amount = 10n * PRICE) {
      const account = newAccount();
      await chain.fund(account.address, { usdc: amount });
      return account;
    },
    fund: (account, amount) => chain.fund(account, { usdc: amount }),
    usdc: usdcReader(chain.rpcUrl),
    sent: (address, blockTag = 'latest') => client.getTransactionCount({ address, blockTag }),
    act,
    deploy: ({ abi, bytecode }, args = []) =>
      act({ data: encodeDeployData({ abi: abi as Abi, bytecode, args }) }),
    token: (functionName, ...args) =>
      act({ to: token.address, data: encodeFunctionData({ abi: token.abi, functionName, args }) }),
    withoutBlocks: beat.still,
    height: () => client.getBlockNumber(),
    async gasOf(account, since) {
      let used = 0n;
      const height = await client.getBlockNumber();
      for (let blockNumber = since + 1n; blockNumber <= height; blockNumber++) {
        const { transactions } = await client.getBlock({ blockNumber, includeTransactions: true });
        const own = transactions.filter(({ from }) => isAddressEqual(from, account));
        for (const { hash } of own) used += (await client.getTransactionReceipt({ hash })).gasUsed;
      }
      return used;
    },
    async close() {
      for (const end of ends.reverse()) await end();
      beat.stop();
      await proxy.close();
      await chain.close();
    },
  };
}

/** Makes a block every moment, so that blocks can be held back at once. */
async function heart(
  rpc: (method: string, params: readonly unknown[]) => Promise<unknown>,
  mine: () => Promise<void>,
) {
  let beating = true;
  let stillness = 0;
  await rpc('anvil_setIntervalMining', [0]);
  let made: Promise<unknown> = Promise.resolve();
  const beat = async () => {
    for (; beating; await sleep(BLOCK_MS)) if (stillness === 0) await (made = mine().catch(() => undefined));
  };
  void beat();
  return {
    stop: () => void (beating = false),
    async still<T>(work: () => Promise<T>): Promise<T> {
      stillness += 1;
      try {
        await made;
        return await work();
      } finally {
        stillness -= 1;
      }
    },
  };
}

async function post(url: string, body: unknown): Promise<Said> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const said = (await response.json()) as object;
  return { ...said, status: response.status, retryAfter: response.headers.get('retry-after') };
}

/** Asks until the response is final, as a seller does that was told `settlement_pending`. */
export function settleFirmly(target: Target, request: unknown): Promise<Said> {
  return eventually(async () => {
    const said = await target.settle(request);
    if (said.status === 503 || said.errorReason === 'settlement_pending')
      throw new Error('It stays pending.');
    return said;
  });
}

/** Asks while the outcome cannot be known: it is pending, and gives the hash as soon as it is signed. */
export function settlePending(target: Target, request: unknown): Promise<Said> {
  return eventually(async () => {
    const said = await target.settle(request);
    if (said.errorReason === 'settlement_pending' && !said.transaction) throw new Error('Nothing is signed.');
    if (said.code === 'facilitator_unavailable') throw new Error('Nothing was sent in time.');
    return said;
  });
}

/** Resolves when the facilitator has a transaction in the node's pool. */
export async function whenBroadcast(bed: AttackBed, { signer }: Target): Promise<void> {
  await eventually(async () => {
    if ((await bed.sent(signer, 'pending')) === (await bed.sent(signer))) throw new Error('Nothing waits.');
  });
}
