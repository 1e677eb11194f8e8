import { MULTICALL3 } from '@agentpay/primitives';
import type { Address, Hex } from '@agentpay/protocol';
import { BaseError, createPublicClient, pad, RpcRequestError, TransactionReceiptNotFoundError } from 'viem';
import {
  aroundCalls,
  ChainError,
  type Call,
  type CallResult,
  type Chain,
  type ChainErrorKind,
  type FoundTransaction,
  type Receipt,
} from './Chain.js';
import { AUTHORIZATION_CANCELED, AUTHORIZATION_USED } from './FiatToken.js';
import { aggregate, readResults } from './Multicall.js';
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
 * A chain behind a JSON-RPC node. Reads of the same tick travel in one HTTP request, which is made once more when its connection ends
 * before the answer, and a call once more that a new block overtook; nothing else is repeated here.
 */
export function viemChain({ rpcUrl, timeoutMs = 10_000, logRange = 9_000n }: ViemChainOptions): Chain {
  const client = createPublicClient({
    transport: rpcTransport(rpcUrl, { timeoutMs, together: true, again: true }),
    cacheTime: 0,
  });
  const writer = createPublicClient({
    transport: rpcTransport(rpcUrl, { timeoutMs, together: false, again: false }),
  });

  async function receipt(hash: Hex): Promise<Receipt | undefined> {
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

  async function logsOf(address: Address, topics: readonly (Hex | readonly Hex[] | null)[]): Promise<Hex[]> {
    const latest = await client.getBlockNumber();
    const range = {
      fromBlock: hexBlock(latest > logRange ? latest - logRange : 0n),
      toBlock: 'latest',
    } as const;
    const logs = await client.request({
      method: 'eth_getLogs',
      params: [{ address, topics, ...range }] as never,
    });
    return (logs as readonly { transactionHash: Hex }[]).map(({ transactionHash }) => transactionHash);
  }

  async function simulate({ to, data }: Call, from: Address): Promise<CallResult> {
    const call = () => client.request({ method: 'eth_call', params: [{ from, to, data }, 'latest'] });
    try {
      return {
        success: true,
        data: await call().catch((error: unknown) => (isOvertaken(error) ? call() : Promise.reject(error))),
      };
    } catch (error) {
      const reverted = revertData(error);
      if (reverted === undefined) throw error;
      return { success: false, data: reverted };
    }
  }

  async function transaction(hash: Hex): Promise<FoundTransaction | undefined> {
    const [found, sent] = await Promise.all([receipt(hash), client.getTransaction({ hash })]);
    return found && sent.to ? { receipt: found, call: { to: sent.to, data: sent.input } } : undefined;
  }

  const chain: Chain = {
    chainId: () => client.getChainId(),
    balance: (address) => client.getBalance({ address }),
    async read(calls) {
      const { success, data } = await simulate(aggregate(calls), NOBODY);
      // One that burns all the gas takes the others with it, so each is asked for itself.
      if (!success) return Promise.all(calls.map((call) => simulate(call, MULTICALL3)));
      if (data === '0x') throw new ChainError('refused', 'The node has no Multicall3.');
      return readResults(data);
    },
    simulate,
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
    receipts: (hashes) => Promise.all(hashes.map(receipt)),
    async block() {
      const { number, timestamp } = await client.getBlock({ blockTag: 'latest', includeTransactions: false });
      return { number, timestamp };
    },
    async authorizationUse(asset, payer, nonce) {
      const events = [AUTHORIZATION_USED, AUTHORIZATION_CANCELED];
      const [hash] = await logsOf(asset, [events, pad(payer, { size: 32 }), nonce]);
      return hash && receipt(hash);
    },
    async transactionsWith({ address, topics }) {
      const hashes = [...new Set(await logsOf(address, topics))].slice(-MOST_FOUND);
      return (await Promise.all(hashes.map(transaction))).filter((found) => found !== undefined);
    },
  };
  return guarded(chain);
}

/** What a call reverted with; undefined when the node did not run it. Nodes say it in code 3 (geth) or in words. */
function revertData(error: unknown): Hex | undefined {
  const answer =
    error instanceof BaseError ? error.walk((cause) => cause instanceof RpcRequestError) : undefined;
  if (!(answer instanceof RpcRequestError)) return undefined;
  const ran = answer.code === 3 || /revert|out of gas|invalid opcode|EVM error/i.test(answer.details);
  if (!ran) return undefined;
  return typeof answer.data === 'string' && answer.data.startsWith('0x') ? (answer.data as Hex) : '0x';
}

function hexBlock(number: bigint): Hex {
  return `0x${number.toString(16)}`;
}

// Every failure leaves as a ChainError, so that callers need not know viem.
function guarded(chain: Chain): Chain {
  return aroundCalls(chain, (_method, _args, call) =>
    call().catch((error: unknown) => {
      throw error instanceof ChainError ? error : new ChainError(kindOf(error), shortMessage(error), error);
    }),
  );
}

function shortMessage(error: unknown): string {
  return error instanceof BaseError
    ? error.details || error.shortMessage
    : String((error as Error).message ?? error);
}

/** What nodes (geth, reth, op-geth, anvil, erigon) say when they hold the transaction already. */
function isKnown(error: unknown): boolean {
  return /already known|already imported|known transaction/i.test(String((error as Error).message));
}

/** What nodes (anvil, geth, others behind a balancer) say when "latest" is no longer the block that they took it for. */
function isOvertaken(error: unknown): boolean {
  return /BlockOutOfRange|header not found|unknown block/i.test(String((error as Error).message));
}

function kindOf(error: unknown): ChainErrorKind {
  const answered =
    error instanceof BaseError ? error.walk((cause) => cause instanceof RpcRequestError) : undefined;
  if (!answered) return 'unreachable';
  const text = String((error as Error).message);
  if (/nonce too low|nonce is too low|nonce provided for the transaction is lower/i.test(text))
    return 'nonce_too_low';
  return /underpriced/i.test(text) ? 'underpriced' : 'refused';
}
