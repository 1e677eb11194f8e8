import type { Hex } from '@agentpay/protocol';
import { BaseError, createPublicClient, http, pad, RpcRequestError, TransactionReceiptNotFoundError } from 'viem';
import { ChainError, type Chain, type ChainErrorKind, type Receipt } from './Chain.js';
import { AUTHORIZATION_CANCELED, AUTHORIZATION_USED } from './FiatToken.js';
import { aggregate, readResults } from './Multicall.js';

export interface ViemChainOptions {
  /** JSON-RPC over HTTP. */
  readonly rpcUrl: string;
  /** Milliseconds until a request is given up. Default 10 000. */
  readonly timeoutMs?: number;
  /** How many blocks back logs are searched; public nodes refuse wide ranges. Default 9 000 (five hours of Base). */
  readonly logRange?: bigint;
}

/** A chain behind a JSON-RPC node. Requests of the same tick travel in one HTTP request; nothing is retried here. */
export function viemChain({ rpcUrl, timeoutMs = 10_000, logRange = 9_000n }: ViemChainOptions): Chain {
  const transport = http(rpcUrl, { timeout: timeoutMs, retryCount: 0, batch: { batchSize: 100, wait: 0 } });
  const client = createPublicClient({ transport, cacheTime: 0 });

  async function receipt(hash: Hex): Promise<Receipt | undefined> {
    try {
      const found = await client.getTransactionReceipt({ hash });
      const { blockNumber, gasUsed, logs } = found;
      return { hash: found.transactionHash, blockNumber, gasUsed, success: found.status === 'success', logs };
    } catch (error) {
      if (error instanceof TransactionReceiptNotFoundError) return undefined;
      throw error;
    }
  }

  const chain: Chain = {
    chainId: () => client.getChainId(),
    balance: (address) => client.getBalance({ address }),
    async read(calls) {
      const { data } = await client.call(aggregate(calls));
      if (!data) throw new ChainError('refused', 'The node has no Multicall3.');
      return readResults(data);
    },
    transactionCount: (address, blockTag) => client.getTransactionCount({ address, blockTag }),
    async fees() {
      const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas();
      return { maxFeePerGas, maxPriorityFeePerGas };
    },
    async send(raw) {
      try {
        await client.sendRawTransaction({ serializedTransaction: raw });
      } catch (error) {
        if (!isKnown(error)) throw error;
      }
    },
    receipts: (hashes) => Promise.all(hashes.map(receipt)),
    async block() {
      const { number, timestamp } = await client.getBlock({ blockTag: 'latest', includeTransactions: false });
      return { number, timestamp };
    },
    async authorizationUse(asset, payer, nonce) {
      const latest = await client.getBlockNumber();
      const topics = [[AUTHORIZATION_USED, AUTHORIZATION_CANCELED], pad(payer, { size: 32 }), nonce];
      const range = { fromBlock: hexBlock(latest > logRange ? latest - logRange : 0n), toBlock: 'latest' } as const;
      const logs = await client.request({ method: 'eth_getLogs', params: [{ address: asset, topics, ...range }] as never });
      const hash = (logs as readonly { transactionHash: Hex }[])[0]?.transactionHash;
      return hash && receipt(hash);
    },
  };
  return guarded(chain);
}

function hexBlock(number: bigint): Hex {
  return `0x${number.toString(16)}`;
}

// Every failure leaves as a ChainError, so that callers need not know viem.
function guarded(chain: Chain): Chain {
  const wrap =
    <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      method(...args).catch((error: unknown) => {
        throw error instanceof ChainError ? error : new ChainError(kindOf(error), shortMessage(error), error);
      });
  const entries = Object.entries(chain).map(([name, method]) => [name, wrap(method as (...args: unknown[]) => Promise<unknown>)]);
  return Object.fromEntries(entries) as unknown as Chain;
}

function shortMessage(error: unknown): string {
  return error instanceof BaseError ? error.details || error.shortMessage : String((error as Error).message ?? error);
}

/** What nodes (geth, reth, op-geth, anvil, erigon) say when they hold the transaction already. */
function isKnown(error: unknown): boolean {
  return /already known|already imported|known transaction/i.test(String((error as Error).message));
}

function kindOf(error: unknown): ChainErrorKind {
  const answered = error instanceof BaseError ? error.walk((cause) => cause instanceof RpcRequestError) : undefined;
  if (!answered) return 'unreachable';
  const text = String((error as Error).message);
  if (/nonce too low|nonce is too low|nonce provided for the transaction is lower/i.test(text)) return 'nonce_too_low';
  return /underpriced/i.test(text) ? 'underpriced' : 'refused';
}

