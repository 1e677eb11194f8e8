import { baseSepolia, type Cancel, type Clock, type Network } from '@agentpay/primitives';
import { sameHex, type Address, type Authorization, type Hex } from '@agentpay/protocol';
import {
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  toHex,
  type TransactionSerialized,
} from 'viem';
import {
  ChainError,
  type Block,
  type Call,
  type CallResult,
  type Chain,
  type ChainErrorKind,
  type Log,
  type Receipt,
} from './Chain.js';
import { AUTHORIZATION_CANCELED, AUTHORIZATION_USED } from './FiatToken.js';
import { deployPermit2 } from './SimulatedPermit2.js';
import {
  addBalance,
  applyCall,
  balanceOf,
  copyState,
  emptyState,
  nonceOf,
  type Accepts,
  type SimulatedState,
} from './SimulatedState.js';

/** How a simulated node misbehaves, for a number of calls of one method. */
export type Fault =
  /** No answer, and nothing happened. For `send`: the node never saw the transaction. */
  | { readonly on: keyof Chain; readonly kind: ChainErrorKind }
  /** The node took the transaction, but its answer got lost. */
  | { readonly on: 'send'; readonly kind: 'answer_lost' }
  /** The node denies knowing a receipt that exists. */
  | { readonly on: 'receipts'; readonly kind: 'missing' }
  /** The node gives a successful receipt without logs for a transaction that is in no block. */
  | { readonly on: 'receipts'; readonly kind: 'invented' };

/** A chain in memory whose blocks come on demand. It knows one token, EIP-3009 and Multicall3, and nothing else. */
export interface SimulatedChain extends Chain {
  /** Calls made so far, by method. */
  readonly calls: Readonly<Partial<Record<keyof Chain, number>>>;
  mint(account: Address, amount: bigint): void;
  balanceOf(account: Address): bigint;
  /** Authorizations that moved money in blocks that still stand, in order. */
  transfers(): readonly Authorization[];
  /** Puts Permit2 and the x402 proxies where they belong. */
  deployPermit2(): void;
  /** Lets the spender move so much of the owner's token. */
  approve(owner: Address, spender: Address, amount: bigint): void;
  /** Gives the account code: an ERC-1271 account that takes the signatures for which `accepts` holds. */
  setAccount(account: Address, accepts: Accepts): void;
  /** Whether the token refuses all transfers from and to the account. */
  setBlacklisted(account: Address, blacklisted: boolean): void;
  /** Makes a block of all that is waiting. */
  mine(): Promise<void>;
  /** Makes a block every `ms` milliseconds until cancelled. */
  mineEvery(ms: number): Cancel;
  /** Somebody else's call, in a block of its own. */
  act(call: Call): Promise<void>;
  /** Takes the last blocks back; their transactions wait again. */
  reorg(depth: number): void;
  /** Empties the pool, as a restarted node does. */
  forgetPool(): void;
  fault(fault: Fault, times?: number): void;
  /** Takes back all faults that have not met a call yet. */
  heal(): void;
}

interface Pooled {
  readonly hash: Hex;
  readonly raw: Hex;
  readonly from: Address;
  readonly nonce: number;
  readonly fee: bigint;
  readonly call: Call;
}

interface MinedBlock extends Block {
  readonly pooled: readonly Pooled[];
  readonly receipts: readonly Receipt[];
  /** What their transactions called. */
  readonly calls: readonly Call[];
  /** The state before the block. */
  readonly before: SimulatedState;
}

export function simulatedChain(clock: Clock, network: Network = baseSepolia): SimulatedChain {
  let state = emptyState(network);
  let pool: Pooled[] = [];
  const blocks: MinedBlock[] = [];
  const calls: Partial<Record<keyof Chain, number>> = {};
  /** Blocks ever made, those taken back included. */
  let made = 0;
  const faults: { fault: Fault; left: number }[] = [];
  let mining: Promise<void> = Promise.resolve();

  const head = (): Block =>
    blocks.at(-1) ?? { number: 0n, timestamp: BigInt(Math.floor(clock.now() / 1000)) };
  const now = () => BigInt(Math.floor(clock.now() / 1000));

  /** Counts the call and gives the fault that meets it, if one does. */
  function enter(on: keyof Chain): Fault['kind'] | undefined {
    calls[on] = (calls[on] ?? 0) + 1;
    const due = faults.find(({ fault, left }) => fault.on === on && left > 0);
    if (!due) return undefined;
    due.left -= 1;
    const { kind } = due.fault;
    if (kind === 'answer_lost' || kind === 'missing' || kind === 'invented') return kind;
    throw new ChainError(kind, `Scripted fault: ${on} is ${kind}.`);
  }

  async function accept(raw: Hex): Promise<void> {
    const parsed = parseTransaction(raw as TransactionSerialized);
    const from = await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized });
    const nonce = parsed.nonce ?? 0;
    const hash = keccak256(raw);
    if (findReceipt(hash)) return;
    if (nonce < nonceOf(state, from)) throw new ChainError('nonce_too_low', 'nonce too low');
    const fee = (parsed as { maxFeePerGas?: bigint }).maxFeePerGas ?? 0n;
    const rival = pool.find((other) => other.from === from && other.nonce === nonce);
    if (rival?.hash === hash) return;
    if (rival && fee * 10n < rival.fee * 11n)
      throw new ChainError('underpriced', 'replacement transaction underpriced');
    pool = pool.filter((other) => other !== rival);
    pool.push({ hash, raw, from, nonce, fee, call: { to: parsed.to as Address, data: parsed.data ?? '0x' } });
  }

  function findReceipt(hash: Hex): Receipt | undefined {
    return blocks.flatMap((block) => block.receipts).find((receipt) => receipt.hash === hash);
  }

  async function seal(extra: readonly Call[] = []): Promise<void> {
    const before = copyState(state);
    const number = head().number + 1n;
    const blockHash = keccak256(toHex(`block ${(made += 1)}`));
    const timestamp = now();
    const receipts: Receipt[] = [];
    const taken: Pooled[] = [];
    for (const call of extra) {
      const { success, logs } = await applyCall(state, call, timestamp);
      receipts.push({
        hash: keccak256(toHex(`act ${number}`)),
        blockNumber: number,
        blockHash,
        success,
        gasUsed: 80_000n,
        logs,
      });
    }
    for (let due = nextDue(); due; due = nextDue()) {
      pool = pool.filter((other) => other !== due);
      taken.push(due);
      state.nonces.set(due.from.toLowerCase(), due.nonce + 1);
      const { success, logs } = await applyCall(state, due.call, timestamp, due.from);
      receipts.push({ hash: due.hash, blockNumber: number, blockHash, success, gasUsed: 80_000n, logs });
    }
    blocks.push({
      number,
      timestamp,
      pooled: taken,
      receipts,
      calls: [...extra, ...taken.map(({ call }) => call)],
      before,
    });
  }

  function nextDue(): Pooled | undefined {
    return pool.find(({ from, nonce }) => nonce === nonceOf(state, from));
  }

  /** One block at a time. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    mining = mining.then(work);
    return mining;
  }

  const node: Chain = {
    chainId: async () => (enter('chainId'), network.chainId),
    balance: async () => (enter('balance'), 10n ** 18n),
    async read(batch) {
      enter('read');
      const view = copyState(state);
      const results: CallResult[] = [];
      for (const call of batch) {
        const { success, data } = await applyCall(view, call, now());
        results.push({ success, data });
      }
      return results;
    },
    async simulate(call, { from, time }) {
      enter('simulate');
      const { success, data } = await applyCall(copyState(state), call, time ?? now(), from);
      return { success, data };
    },
    async transactionCount(address, tag) {
      enter('transactionCount');
      let count = nonceOf(state, address);
      while (tag === 'pending' && pool.some((other) => other.from === address && other.nonce === count))
        count += 1;
      return count;
    },
    fees: async () => (enter('fees'), { maxFeePerGas: 2_000_000_000n, maxPriorityFeePerGas: 1_000_000n }),
    async send(raw) {
      const fault = enter('send');
      await accept(raw);
      if (fault === 'answer_lost')
        throw new ChainError('unreachable', 'Scripted fault: the answer got lost.');
    },
    async receipts(hashes) {
      const fault = enter('receipts');
      if (fault === 'missing') return hashes.map(() => undefined);
      const invented = {
        blockNumber: head().number,
        blockHash: keccak256('0x'),
        success: true,
        gasUsed: 0n,
        logs: [],
      };
      return hashes.map(
        (hash) => findReceipt(hash) ?? (fault === 'invented' ? { hash, ...invented } : undefined),
      );
    },
    block: async () => (enter('block'), head()),
    async authorizationUse(_asset, payer, nonce) {
      enter('authorizationUse');
      const topics = [payer, nonce].map((part) => BigInt(part));
      return blocks
        .flatMap((block) => block.receipts)
        .find(({ logs }) =>
          logs.some(({ topics: [event, a, b] }) => {
            const ofUse = event === AUTHORIZATION_USED || event === AUTHORIZATION_CANCELED;
            return ofUse && BigInt(a as Hex) === topics[0] && BigInt(b as Hex) === topics[1];
          }),
        );
    },
    async transactionsWith({ address, topics }) {
      enter('transactionsWith');
      const hasTopics = (log: Log) =>
        topics.every((topic, i) => !topic || sameHex(log.topics[i] ?? '', topic));
      const matches = (log: Log) => sameHex(log.address, address) && hasTopics(log);
      const found = blocks.flatMap((block) =>
        block.receipts.map((receipt, i) => ({ receipt, call: block.calls[i] as Call })),
      );
      return found.filter(({ receipt: { logs } }) => logs.some(matches)).slice(-20);
    },
  };

  return {
    ...node,
    calls,
    mint: (account, amount) => addBalance(state, account, amount),
    balanceOf: (account) => balanceOf(state, account),
    transfers: () => state.transfers,
    deployPermit2: () => deployPermit2(state),
    approve: (owner, spender, amount) =>
      void state.allowances.set(`${owner}:${spender}`.toLowerCase(), amount),
    setAccount: (account, accepts) => void state.accounts.set(account.toLowerCase(), accepts),
    setBlacklisted: (account, blacklisted) =>
      void state.blacklist[blacklisted ? 'add' : 'delete'](account.toLowerCase()),
    mine: () => inTurn(() => seal()),
    act: (call) => inTurn(() => seal([call])),
    mineEvery(ms) {
      let cancel: Cancel;
      const again = () => {
        cancel = clock.timer(ms, () => void inTurn(() => seal()).then(() => stopped || again()));
      };
      let stopped = false;
      again();
      return () => {
        stopped = true;
        cancel();
      };
    },
    reorg(depth) {
      for (const block of blocks.splice(Math.max(0, blocks.length - depth)).reverse()) {
        state = block.before;
        pool = [...block.pooled, ...pool];
      }
    },
    forgetPool: () => void (pool = []),
    fault: (fault, times = 1) => void faults.push({ fault, left: times }),
    heal: () => void faults.splice(0),
  };
}
