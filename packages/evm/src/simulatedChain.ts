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
  type FoundTransaction,
  type Log,
  type TransactionReceipt,
} from './Chain.js';
import { AUTHORIZATION_CANCELED, AUTHORIZATION_USED } from './FiatToken.js';
import { holdEventsIn, type EscrowBalance, type HoldEvent } from './AuthCapture.js';
import { deployEscrow } from './SimulatedEscrow.js';
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
export type ChainFault =
  /** No response, and nothing happened. For `send`: the node never saw the transaction. */
  | { readonly on: keyof Chain; readonly kind: ChainErrorKind }
  /** The node took the transaction, but its response got lost. */
  | { readonly on: 'send'; readonly kind: 'response_lost' }
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
  /** Puts the escrow where it belongs, and our operator at this address. */
  deployEscrow(operator: Address): void;
  /** What the escrow holds of a payment. */
  hold(id: Hex): EscrowBalance;
  /** What happened to a payment in blocks that still stand, in order, whatever faults there are. */
  holdEvents(id: Hex): readonly { readonly event: HoldEvent; readonly hash: Hex }[];
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
  fault(fault: ChainFault, times?: number): void;
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
  readonly receipts: readonly TransactionReceipt[];
  /** What their transactions called. */
  readonly calls: readonly Call[];
  /** The state before the block. */
  readonly before: SimulatedState;
}

/** All that a simulated chain is. */
interface Simulated {
  readonly clock: Clock;
  readonly network: Network;
  readonly blocks: MinedBlock[];
  readonly calls: Partial<Record<keyof Chain, number>>;
  readonly faults: { fault: ChainFault; left: number }[];
  state: SimulatedState;
  pool: Pooled[];
  /** Blocks ever made, those taken back included. */
  made: number;
}

export function simulatedChain(clock: Clock, network: Network = baseSepolia): SimulatedChain {
  const blank = { blocks: [], calls: {}, faults: [], pool: [], made: 0 };
  const sim: Simulated = { clock, network, state: emptyState(network), ...blank };
  let mining: Promise<void> = Promise.resolve();
  /** One block at a time. */
  const mine = (extra: readonly Call[] = []) => (mining = mining.then(() => seal(sim, extra)));

  return {
    ...nodeOf(sim),
    calls: sim.calls,
    mint: (account, amount) => addBalance(sim.state, account, amount),
    balanceOf: (account) => balanceOf(sim.state, account),
    transfers: () => sim.state.transfers,
    deployPermit2: () => deployPermit2(sim.state),
    deployEscrow: (operator) => deployEscrow(sim.state, operator),
    hold: (id) =>
      sim.state.holds.get(id.toLowerCase()) ?? { collected: false, capturable: 0n, refundable: 0n },
    holdEvents: (id) =>
      sim.blocks
        .flatMap(({ receipts }) => receipts)
        .flatMap(({ logs, hash }) => holdEventsIn(logs, id).map((event) => ({ event, hash }))),
    approve: (owner, spender, amount) =>
      void sim.state.allowances.set(`${owner}:${spender}`.toLowerCase(), amount),
    setAccount: (account, accepts) => void sim.state.accounts.set(account.toLowerCase(), accepts),
    setBlacklisted: (account, blacklisted) =>
      void sim.state.blacklist[blacklisted ? 'add' : 'delete'](account.toLowerCase()),
    mine: () => mine(),
    act: (call) => mine([call]),
    mineEvery(ms) {
      let cancel: Cancel;
      const again = () => {
        cancel = clock.timer(ms, () => void mine().then(() => stopped || again()));
      };
      let stopped = false;
      again();
      return () => {
        stopped = true;
        cancel();
      };
    },
    reorg(depth) {
      const { blocks } = sim;
      for (const block of blocks.splice(Math.max(0, blocks.length - depth)).reverse()) {
        sim.state = block.before;
        sim.pool = [...block.pooled, ...sim.pool];
      }
    },
    forgetPool: () => void (sim.pool = []),
    fault: (fault, times = 1) => void sim.faults.push({ fault, left: times }),
    heal: () => void sim.faults.splice(0),
  };
}

/** The chain as a node shows it. */
function nodeOf(sim: Simulated): Chain {
  return {
    chainId: async () => (enter(sim, 'chainId'), sim.network.chainId),
    balance: async () => (enter(sim, 'balance'), 10n ** 18n),
    async read(batch) {
      enter(sim, 'read');
      const view = copyState(sim.state);
      const results: CallResult[] = [];
      for (const call of batch) {
        const { success, data } = await applyCall(view, call, now(sim));
        results.push({ success, data });
      }
      return results;
    },
    async simulate(call, { from, time }) {
      enter(sim, 'simulate');
      const { success, data } = await applyCall(copyState(sim.state), call, time ?? now(sim), from);
      return { success, data };
    },
    async transactionCount(address, tag) {
      enter(sim, 'transactionCount');
      let count = nonceOf(sim.state, address);
      const waits = (nonce: number) => sim.pool.some((one) => one.from === address && one.nonce === nonce);
      while (tag === 'pending' && waits(count)) count += 1;
      return count;
    },
    fees: async () => (
      enter(sim, 'fees'),
      { maxFeePerGas: 2_000_000_000n, maxPriorityFeePerGas: 1_000_000n }
    ),
    async send(raw) {
      const sent = await sentBy(raw);
      // Whoever sees that it was called finds the transaction in the pool.
      const fault = enter(sim, 'send');
      accept(sim, sent);
      if (fault === 'response_lost')
        throw new ChainError('unreachable', 'Scripted fault: the response got lost.');
    },
    receipts: async (hashes) => receiptsOf(sim, hashes, enter(sim, 'receipts')),
    block: async () => (enter(sim, 'block'), head(sim)),
    authorizationUse: async (_asset, payer, nonce) => (
      enter(sim, 'authorizationUse'),
      authorizationUse(sim, payer, nonce)
    ),
    transactionsWith: async (sought) => (enter(sim, 'transactionsWith'), transactionsWith(sim, sought)),
  };
}

function now({ clock }: Simulated): bigint {
  return BigInt(Math.floor(clock.now() / 1000));
}

function head(sim: Simulated): Block {
  return sim.blocks.at(-1) ?? { number: 0n, timestamp: now(sim) };
}

/** Counts the call and gives the fault that meets it, if one does. */
function enter({ calls, faults }: Simulated, on: keyof Chain): ChainFault['kind'] | undefined {
  calls[on] = (calls[on] ?? 0) + 1;
  const due = faults.find(({ fault, left }) => fault.on === on && left > 0);
  if (!due) return undefined;
  due.left -= 1;
  const { kind } = due.fault;
  if (kind === 'response_lost' || kind === 'missing' || kind === 'invented') return kind;
  throw new ChainError(kind, `Scripted fault: ${on} is ${kind}.`);
}

async function sentBy(raw: Hex): Promise<Pooled> {
  const parsed = parseTransaction(raw as TransactionSerialized);
  const from = await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized });
  const fee = (parsed as { maxFeePerGas?: bigint }).maxFeePerGas ?? 0n;
  const call = { to: parsed.to as Address, data: parsed.data ?? '0x' } as const;
  return { hash: keccak256(raw), raw, from, nonce: parsed.nonce ?? 0, fee, call };
}

function accept(sim: Simulated, sent: Pooled): void {
  const { hash, from, nonce, fee } = sent;
  if (findReceipt(sim, hash)) return;
  if (nonce < nonceOf(sim.state, from)) throw new ChainError('nonce_too_low', 'nonce too low');
  const rival = sim.pool.find((other) => other.from === from && other.nonce === nonce);
  if (rival?.hash === hash) return;
  if (rival && fee * 10n < rival.fee * 11n)
    throw new ChainError('underpriced', 'replacement transaction underpriced');
  sim.pool = sim.pool.filter((other) => other !== rival);
  sim.pool.push(sent);
}

function findReceipt({ blocks }: Simulated, hash: Hex): TransactionReceipt | undefined {
  return blocks.flatMap((block) => block.receipts).find((receipt) => receipt.hash === hash);
}

/** Makes a block of the calls and of all that is waiting. */
async function seal(sim: Simulated, extra: readonly Call[]): Promise<void> {
  const before = copyState(sim.state);
  const number = head(sim).number + 1n;
  const blockHash = keccak256(toHex(`block ${(sim.made += 1)}`));
  const timestamp = now(sim);
  const receipts: TransactionReceipt[] = [];
  const taken: Pooled[] = [];
  const apply = async (hash: Hex, call: Call, from?: Address) => {
    const { success, logs } = await applyCall(sim.state, call, timestamp, from);
    receipts.push({ hash, blockNumber: number, blockHash, success, gasUsed: 80_000n, logs });
  };
  for (const call of extra) await apply(keccak256(toHex(`act ${number}`)), call);
  for (let due = nextDue(sim); due; due = nextDue(sim)) {
    const mined = due;
    sim.pool = sim.pool.filter((other) => other !== mined);
    taken.push(mined);
    sim.state.nonces.set(mined.from.toLowerCase(), mined.nonce + 1);
    await apply(mined.hash, mined.call, mined.from);
  }
  const calls = [...extra, ...taken.map(({ call }) => call)];
  sim.blocks.push({ number, timestamp, pooled: taken, receipts, calls, before });
}

function nextDue({ pool, state }: Simulated): Pooled | undefined {
  return pool.find(({ from, nonce }) => nonce === nonceOf(state, from));
}

function receiptsOf(
  sim: Simulated,
  hashes: readonly Hex[],
  fault: ChainFault['kind'] | undefined,
): (TransactionReceipt | undefined)[] {
  if (fault === 'missing') return hashes.map(() => undefined);
  const empty = { blockHash: keccak256('0x'), success: true, gasUsed: 0n, logs: [] };
  const invented = { blockNumber: head(sim).number, ...empty };
  return hashes.map(
    (hash) => findReceipt(sim, hash) ?? (fault === 'invented' ? { hash, ...invented } : undefined),
  );
}

function authorizationUse({ blocks }: Simulated, payer: Address, nonce: Hex): TransactionReceipt | undefined {
  const sought = [payer, nonce].map((part) => BigInt(part));
  const isUse = ({ topics: [event, a, b] }: Log) =>
    (event === AUTHORIZATION_USED || event === AUTHORIZATION_CANCELED) &&
    BigInt(a as Hex) === sought[0] &&
    BigInt(b as Hex) === sought[1];
  return blocks.flatMap((block) => block.receipts).find(({ logs }) => logs.some(isUse));
}

function transactionsWith(
  { blocks }: Simulated,
  { address, topics }: Parameters<Chain['transactionsWith']>[0],
): FoundTransaction[] {
  const hasTopics = (log: Log) => topics.every((topic, i) => !topic || sameHex(log.topics[i] ?? '', topic));
  const matches = (log: Log) => sameHex(log.address, address) && hasTopics(log);
  const found = blocks.flatMap((block) =>
    block.receipts.map((receipt, i) => ({ receipt, call: block.calls[i] as Call })),
  );
  return found.filter(({ receipt: { logs } }) => logs.some(matches)).slice(-20);
}
