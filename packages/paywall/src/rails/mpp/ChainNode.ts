import { AgentPayError, sleep, type Clock } from '@agentpay/primitives';
import {
  addressSchema,
  bytes32Schema,
  readLimited,
  type Address,
  type Hex,
  type Eip1559Transaction,
} from '@agentpay/protocol';
import { z } from 'zod';
import type { Report } from '../../seller/Report.js';

const hexSchema = z.custom<Hex>(
  (value) => typeof value === 'string' && /^0x[0-9a-fA-F]*$/.test(value),
  'must be hex',
);
const numberSchema = hexSchema.transform((hex) => BigInt(hex));
const transactionSchema = z.object({ from: addressSchema, to: addressSchema.nullish(), input: hexSchema });
const logSchema = z.object({ address: addressSchema, topics: z.array(bytes32Schema), data: hexSchema });
const receiptSchema = z.object({ status: hexSchema, blockNumber: numberSchema, logs: z.array(logSchema) });
const blockSchema = z.object({ timestamp: numberSchema, baseFeePerGas: numberSchema });

const errorSchema = z.object({ code: z.number(), message: z.string() });
const answerSchema = z.object({ error: errorSchema.optional(), result: z.unknown().optional() });

/** A transaction that an RPC node knows; `receipt` once it is mined. */
export interface KnownTransaction extends z.infer<typeof transactionSchema> {
  readonly receipt: z.infer<typeof receiptSchema> | undefined;
}

/** An RPC node of one chain, as far as plain transfers need one. Every method rejects with `unavailable` when there is no response. */
export interface ChainNode {
  find(hash: Hex): Promise<KnownTransaction | undefined>;
  /** Number of the latest block. */
  head(): Promise<bigint>;
  /** When the block was made, in Unix seconds. */
  timeOf(block: bigint): Promise<number>;
  /** Who signed the transaction; undefined when no account can have. */
  sender(transaction: Eip1559Transaction): Promise<Address | undefined>;
  /** How many transactions of the account are mined: the nonce of its next one. */
  nextNonce(account: Address): Promise<number>;
  /** Wei per gas that a transaction must offer at least, as of the latest block. */
  baseFee(): Promise<bigint>;
  /** Whether the transaction would succeed now, and its sender can pay the gas. */
  wouldSucceed(transaction: Eip1559Transaction, sender: Address): Promise<boolean>;
  /** Broadcasts the transaction. False: the node refuses it, as it also does one that it has already. */
  send(raw: Hex): Promise<boolean>;
}

export interface ChainNodeOptions {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  readonly report: Report;
}

const TIMEOUT_MS = 10_000;
/** Codes of JSON-RPC errors about the call itself: reverted, refused. Others are faults of the node, such as a block that it lacks. */
const VERDICTS: ReadonlySet<number> = new Set([3, -32_000, -32_003]);
/** Attempts after faults that pass (a broken connection, a rate limit, a node between two blocks), and the pause between, in ms. */
const ATTEMPTS = 3;
const PAUSE_MS = 150;
const MAX_RESPONSE = 1024 * 1024;
/** The precompiled contract that recovers signers (yellow paper, appendix E): its response needs no library for the curve. */
const ECRECOVER = '0x0000000000000000000000000000000000000001';

export function chainNode(options: ChainNodeOptions): ChainNode {
  const { ask, agrees } = asking(options);
  return {
    async find(hash) {
      const transaction = await ask('eth_getTransactionByHash', [hash], transactionSchema.nullable());
      if (!transaction) return undefined;
      return {
        ...transaction,
        receipt: (await ask('eth_getTransactionReceipt', [hash], receiptSchema.nullable())) ?? undefined,
      };
    },
    head: () => ask('eth_blockNumber', [], numberSchema),
    timeOf: async (block) =>
      Number((await ask('eth_getBlockByNumber', [quantity(block), false], blockSchema)).timestamp),
    baseFee: async () => (await ask('eth_getBlockByNumber', ['latest', false], blockSchema)).baseFeePerGas,
    async sender({ digest, signature: { r, s, yParity } }) {
      const data =
        digest +
        [`0x${(27 + yParity).toString(16).padStart(64, '0')}`, r, s].map((word) => word.slice(2)).join('');
      const recovered = await ask('eth_call', [{ to: ECRECOVER, data }, 'latest'], hexSchema);
      return recovered.length === 66 ? `0x${recovered.slice(26)}` : undefined;
    },
    nextNonce: async (account) =>
      Number(await ask('eth_getTransactionCount', [account, 'latest'], numberSchema)),
    wouldSucceed: ({ to, data, gas, maxFeePerGas, maxPriorityFeePerGas }, from) => {
      const fees = {
        maxFeePerGas: quantity(maxFeePerGas),
        maxPriorityFeePerGas: quantity(maxPriorityFeePerGas),
      };
      return agrees('eth_call', [{ from, to, data, gas: quantity(gas), ...fees }, 'latest']);
    },
    send: (raw) => agrees('eth_sendRawTransaction', [raw]),
  };
}

type Method<T> = (method: string, params: readonly unknown[], result: z.ZodType<T>) => Promise<T>;

/** Calls of a node that is proved to be of the right chain, repeated after faults of the node. */
function asking(options: ChainNodeOptions) {
  const { chainId, clock, report } = options;
  let proof: Promise<void> | undefined;

  // Transfers on another chain would be accepted as payments.
  async function prove(): Promise<void> {
    const found = await post(options, 'eth_chainId', [], numberSchema);
    if (found !== BigInt(chainId)) throw new Error(`The node is of chain ${found}, not ${chainId}.`);
  }

  /** No method used here does harm when it is called twice. @throws NodeRefusal, AgentPayError `unavailable` */
  async function firmly<T>(...[method, params, result]: Parameters<Method<T>>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        await (proof ??= prove().catch((error: unknown) => {
          proof = undefined;
          throw error;
        }));
        return await post(options, method, params, result);
      } catch (cause) {
        if (cause instanceof NodeRefusal && VERDICTS.has(cause.code)) throw cause;
        if (attempt === ATTEMPTS || (cause as Error).name === 'TimeoutError') throw unusable(cause);
        await sleep(clock, PAUSE_MS);
      }
    }
  }

  function unusable(cause: unknown): AgentPayError {
    report({ what: 'the RPC node gives no usable response', error: cause });
    return new AgentPayError('unavailable', 'The chain cannot be asked at the moment.', {
      cause,
      retryAfter: 2,
    });
  }

  return {
    async ask<T>(...call: Parameters<Method<T>>): Promise<T> {
      try {
        return await firmly(...call);
      } catch (error) {
        throw error instanceof NodeRefusal ? unusable(error) : error;
      }
    },
    /** Whether the node does what it is asked to, or refuses. */
    async agrees(method: string, params: readonly unknown[]): Promise<boolean> {
      try {
        await firmly(method, params, hexSchema);
        return true;
      } catch (error) {
        if (error instanceof NodeRefusal) return false;
        throw error;
      }
    },
  };
}

async function post<T>(
  { rpcUrl, fetch }: ChainNodeOptions,
  ...[method, params, result]: Parameters<Method<T>>
): Promise<T> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = (await readLimited(response.body, MAX_RESPONSE))?.toString('utf8') ?? '';
  const answer = answerSchema.parse(JSON.parse(text));
  if (answer.error) throw new NodeRefusal(answer.error);
  return result.parse(answer.result);
}

/** The node understood the call and refuses it. */
class NodeRefusal extends Error {
  override readonly name = 'NodeRefusal';
  readonly code: number;

  constructor({ code, message }: z.infer<typeof errorSchema>) {
    super(message);
    this.code = code;
  }
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`;
}
