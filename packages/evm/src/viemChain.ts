import { MULTICALL3 } from '@agentpay/primitives';
import { authorizationUseTopics, type Hex } from '@agentpay/protocol';
import {
  BaseError,
  createPublicClient,
  toHex,
  TransactionReceiptNotFoundError,
  type PublicClient,
} from 'viem';
import {
  aroundCalls,
  ChainError,
  type Call,
  type CallResult,
  type Chain,
  type FoundTransaction,
  type TransactionReceipt,
  type Simulation,
} from './Chain.js';
import { logSearch } from './logSearch.js';
import { aggregate, readResults } from './Multicall.js';
import { isKnown, isOvertaken, kindOf, revertData } from './NodeRefusal.js';
import { rpcTransport } from './rpcTransport.js';

/** Who asks, when it does not matter. */
const NOBODY = '0x0000000000000000000000000000000000000000';
const MOST_FOUND = 20;

export interface ViemChainOptions {
  /** JSON-RPC over HTTP. */
  readonly rpcUrl: string;
  /** Milliseconds until a request is given up. Default 10 000. */
  readonly timeoutMs?: number;
  /** How many blocks back logs are searched; public nodes refuse wide ranges. Default 9 000 (five hours of Base). */
  readonly logRange?: bigint;
}

/**
 * A chain behind an RPC node. Reads of the same tick travel in one HTTP request, which is made once more when its connection ends
 * before the response, and a call once more that a new block overtook; batches and ranges of blocks that the node finds too large are
 * asked for in smaller parts. Nothing else is repeated here.
 * @example
 * const chain = viemChain({ rpcUrl: 'https://sepolia.base.org' });
 * const { number } = await chain.block();
 */
export function viemChain({ rpcUrl, timeoutMs = 10_000, logRange = 9_000n }: ViemChainOptions): Chain {
  const client = createPublicClient({
    transport: rpcTransport(rpcUrl, { timeoutMs, together: true, again: true }),
    cacheTime: 0,
  });
  const writer = createPublicClient({
    transport: rpcTransport(rpcUrl, { timeoutMs, together: false, again: false }),
  });
  const search = logSearch(client, logRange);

  const chain: Chain = {
    chainId: () => client.getChainId(),
    balance: (address) => client.getBalance({ address }),
    read: (calls) => read(client, calls),
    simulate: (call, as) => simulate(client, call, as),
    transactionCount: (address, blockTag) => client.getTransactionCount({ address, blockTag }),
    async fees() {
      const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas();
      return { maxFeePerGas, maxPriorityFeePerGas };
    },
    async send(raw) {
      try {
        await writer.sendRawTransaction({ serializedTransaction: raw });
      } catch (error) {
        if (!isKnown(error)) throw error;
      }
    },
    receipts: (hashes) => Promise.all(hashes.map((hash) => receiptOf(client, hash))),
    async block() {
      const { number, timestamp } = await client.getBlock({ blockTag: 'latest', includeTransactions: false });
      return { number, timestamp };
    },
    async authorizationUse(address, payer, nonce, since) {
      const topics = authorizationUseTopics(payer, nonce);
      const [hash] = await search({ address, topics, since, one: true });
      return hash && receiptOf(client, hash);
    },
    async transactionsWith({ address, topics, since }) {
      const hashes = [...new Set(await search({ address, topics, since }))].slice(-MOST_FOUND);
      const found = await Promise.all(hashes.map((hash) => transactionOf(client, hash)));
      return found.filter((one) => one !== undefined);
    },
  };
  return guarded(chain);
}

async function read(client: PublicClient, calls: readonly Call[]): Promise<readonly CallResult[]> {
  const { success, data } = await simulate(client, aggregate(calls), { from: NOBODY });
  // One that burns all the gas takes the others with it, so each is asked for itself.
  if (!success) return Promise.all(calls.map((call) => simulate(client, call, { from: MULTICALL3 })));
  if (data === '0x') throw new ChainError('declined', 'The node has no Multicall3.');
  const results = readResults(data);
  if (results.length === calls.length) return results;
  throw new ChainError('declined', 'The node gave a response to other calls.');
}

async function simulate(client: PublicClient, { to, data }: Call, as: Simulation): Promise<CallResult> {
  const { from, gas, time } = as;
  const block = time === undefined ? ['latest'] : ['latest', {}, { time: toHex(time) }];
  const call = () =>
    client.request({
      method: 'eth_call',
      params: [{ from, to, data, ...(gas !== undefined && { gas: toHex(gas) }) }, ...block] as never,
    });
  try {
    const data = await call().catch((error: unknown) =>
      isOvertaken(error) ? call() : Promise.reject(error),
    );
    return { success: true, data };
  } catch (error) {
    const reverted = revertData(error);
    if (reverted === undefined) throw error;
    return { success: false, data: reverted };
  }
}

async function receiptOf(client: PublicClient, hash: Hex): Promise<TransactionReceipt | undefined> {
  try {
    const found = await client.getTransactionReceipt({ hash });
    const { blockNumber, blockHash, gasUsed, logs } = found;
    return {
      hash: found.transactionHash,
      blockNumber,
      blockHash,
      gasUsed,
      success: found.status === 'success',
      logs,
    };
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError) return undefined;
    throw error;
  }
}

async function transactionOf(client: PublicClient, hash: Hex): Promise<FoundTransaction | undefined> {
  const [receipt, sent] = await Promise.all([receiptOf(client, hash), client.getTransaction({ hash })]);
  return receipt && sent.to ? { receipt, call: { to: sent.to, data: sent.input } } : undefined;
}

// Every failure leaves as a ChainError, so that callers need not know viem.
function guarded(chain: Chain): Chain {
  return aroundCalls(chain, (method, _args, call) =>
    call().catch((error: unknown) => {
      if (error instanceof ChainError) throw error;
      throw new ChainError(kindOf(method, error), shortMessage(error), error);
    }),
  );
}

function shortMessage(error: unknown): string {
  return error instanceof BaseError
    ? error.details || error.shortMessage
    : String((error as Error).message ?? error);
}
