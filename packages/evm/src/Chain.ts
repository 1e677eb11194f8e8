import type { Address, Hex } from '@agentpay/protocol';

/** A read-only call of a contract. */
export interface Call {
  readonly to: Address;
  readonly data: Hex;
}

/** What one call of a batch gave: return data, or revert data when `success` is false. An address without code gives success and "0x". */
export interface CallResult {
  readonly success: boolean;
  readonly data: Hex;
}

export interface Log {
  readonly address: Address;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** A transaction that stands in a block. */
export interface TransactionReceipt {
  readonly hash: Hex;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly success: boolean;
  readonly gasUsed: bigint;
  readonly logs: readonly Log[];
}

/** EIP-1559 fees in wei per gas. */
export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** Logs that a contract left, by their first topics; null stands for any. */
export interface LogFilter {
  readonly address: Address;
  readonly topics: readonly (Hex | null)[];
  /** They are in no block before this time, in seconds since the Unix epoch; undefined: they may be in any recent block. */
  readonly since?: bigint | undefined;
}

/** A transaction in a block, with what it called. */
export interface FoundTransaction {
  readonly receipt: TransactionReceipt;
  readonly call: Call;
}

export interface Block {
  readonly number: bigint;
  /** Seconds since the Unix epoch. */
  readonly timestamp: bigint;
}

/**
 * Lets a read travel in one request with those of others (see `sharedReads`). All its calls but the last change nothing; the last moves
 * money of `payer` and nothing else. Not for calls that run code of somebody's choice.
 */
export interface Sharing {
  readonly payer: Address;
}

/** The transaction that a simulated call stands for. */
export interface Simulation {
  readonly from: Address;
  /** Its gas limit; undefined: as much as the node lets a call have. */
  readonly gas?: bigint | undefined;
  /** Time of the block that takes it, in seconds since the Unix epoch; undefined: that of the latest block. Not every node can do this. */
  readonly time?: bigint | undefined;
}

/**
 * One EVM chain, reduced to what settlement needs. Implementations: {@link viemChain} (an RPC node), {@link simulatedChain} (tests).
 * Every method rejects with {@link ChainError} when the node is out of reach or refuses.
 */
export interface Chain {
  chainId(): Promise<number>;
  /** Ether of the account, in wei. */
  balance(address: Address): Promise<bigint>;
  /** Runs the calls in turn on the latest block, in a single `eth_call`; changes made by one are seen by the next, then forgotten. */
  read(calls: readonly Call[], sharing?: Sharing): Promise<readonly CallResult[]>;
  /** Runs one call as if it were a transaction of this account with this much gas. */
  simulate(call: Call, as: Simulation): Promise<CallResult>;
  /** Transactions of the account: in blocks (`latest`), or with those the node holds in its pool (`pending`). */
  transactionCount(address: Address, tag: 'latest' | 'pending'): Promise<number>;
  fees(): Promise<Fees>;
  /** Hands a signed transaction to the node. Resolves also when the node has it already. */
  send(raw: Hex): Promise<void>;
  /** Receipts in the order of the hashes; undefined where the transaction is in no block. */
  receipts(hashes: readonly Hex[]): Promise<readonly (TransactionReceipt | undefined)[]>;
  block(): Promise<Block>;
  /** The transaction, if the node finds one in recent blocks, that used or cancelled this EIP-3009 authorization. */
  authorizationUse(
    asset: Address,
    payer: Address,
    nonce: Hex,
    since?: LogFilter['since'],
  ): Promise<TransactionReceipt | undefined>;
  /** The last transactions in recent blocks, twenty at most, that left such a log. */
  transactionsWith(filter: LogFilter): Promise<readonly FoundTransaction[]>;
}

/**
 * Why a node did not do what it was asked.
 * `unreachable`: nothing that says anything (silence, a page, a limit), so a sent transaction may have arrived; `declined`: it cannot do
 * this, and another node may. The others are answers about the transaction itself. `refused`: no node will take it; `nonce_too_low` and
 * `underpriced`: another transaction with this account nonce is in a block, or waits with a higher fee.
 */
export type ChainErrorKind = 'unreachable' | 'declined' | 'refused' | 'nonce_too_low' | 'underpriced';

/** Whether the RPC node answered at all; else another one may. */
export function isResponse({ kind }: ChainError): boolean {
  return kind !== 'unreachable' && kind !== 'declined';
}

export class ChainError extends Error {
  override readonly name = 'ChainError';
  constructor(
    readonly kind: ChainErrorKind,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** The chain with something around each call of it: `around` gets the name of the method, its arguments, and what makes the call. */
export function aroundCalls(
  chain: Chain,
  around: (method: string, args: readonly unknown[], call: () => Promise<unknown>) => Promise<unknown>,
): Chain {
  const wrap =
    (name: string, method: (...args: unknown[]) => Promise<unknown>) =>
    (...args: unknown[]) =>
      around(name, args, () => method(...args));
  const entries = Object.entries(chain).map(([name, member]: [string, unknown]) =>
    typeof member === 'function' ? [name, wrap(name, member as () => Promise<unknown>)] : [name, member],
  );
  return Object.fromEntries(entries) as Chain;
}
