import { MULTICALL3, newId, type Cancel, type Clock, type Random } from '@agentpay/primitives';
import { sameHex, type Hex } from '@agentpay/protocol';
import type { Chain, TransactionReceipt, Receipts, Sender, SignedTransaction } from '@agentpay/evm';
import type { MinedTransaction } from './MinedTransaction.js';
import { failureIn, provenOutcomes } from '../assurance/provenOutcome.js';
import type { CarryingTransaction, SettlementOutcome, Settlement } from '../Settlement.js';
import type { SettlementStore } from '../SettlementStore.js';

/** One account nonce and the settlements that it carries. */
export interface Flight {
  readonly id: string;
  readonly sender: Sender | undefined;
  readonly alone: boolean;
  /** When its outcome was last looked for, ms. */
  lookedAt: number;
  /** Payments that it set out with. */
  readonly carried: number;
  /** Those without an outcome. */
  readonly members: Map<string, Settlement>;
  /** Members that were settled until the chain lost their block: that their transaction reverts is not the end of them. */
  readonly undone: Set<string>;
  /** Hashes of its attempts, oldest first. */
  readonly hashes: Hex[];
  readonly watches: Cancel[];
  /** Below 0: nothing is signed yet. */
  nonce: number;
  receipt: TransactionReceipt | undefined;
  /** Somebody else's transaction took the nonce. */
  dropped: boolean;
  /** One look at the outcome at a time. */
  turn: Promise<void>;
}

export interface FlightsOptions {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: SettlementStore;
  readonly receipts: Receipts;
  /** Blocks that a transaction must have, its own included, to count. */
  readonly confirmations: number;
  readonly onError: (what: string, error: unknown) => void;
  /** Hears of every transaction of ours that got into a block. */
  readonly onTransaction?: ((mined: MinedTransaction) => void) | undefined;
}

/** The transactions under way, each watched until every settlement that it carries has its outcome. */
export interface Flights {
  all(): readonly Flight[];
  /** The one that carries the settlement. */
  carrying(settlementId: string): Flight | undefined;
  /** A new one, to be signed by {@link Flights.record}. */
  open(sender: Sender, members: readonly Settlement[]): Flight;
  close(flight: Flight): void;
  /** Makes a signed transaction durable as an attempt of the flight, and watches for it. */
  record(flight: Flight, transaction: SignedTransaction): Promise<void>;
  /**
   * Goes on with what was signed before; without a sender it only watches. After a failure there is no such flight.
   * @param undone settlements among them that were settled until the chain lost their block
   */
  takeUp(
    transaction: CarryingTransaction,
    sender: Sender | undefined,
    undone?: readonly Settlement[],
  ): Promise<void>;
  /** Spends the nonce on nothing. */
  fill(sender: Sender, nonce: number): Promise<void>;
  /** Finds the outcomes that can be proved now. */
  conclude(flight: Flight): Promise<void>;
}

/** Hears of what was recorded. */
export interface FlightsListener {
  readonly ended: (id: string, outcome: SettlementOutcome) => void;
  /** Payments that one transaction made; the block in which it was seen, if it was seen itself. */
  readonly settled: (ids: readonly string[], hash: Hex, blockHash: Hex | undefined) => void;
  /** A payment that was settled until the chain lost its block, and that its transaction, mined again, did not make. */
  readonly unmade: (settlement: Settlement) => void;
}

/** The flights under way, and what their steps need. */
interface Sky extends FlightsOptions {
  readonly listener: FlightsListener;
  readonly flights: Map<string, Flight>;
}

export function createFlights(options: FlightsOptions, listener: FlightsListener): Flights {
  const { chain, clock, random, store, receipts, confirmations, onError, onTransaction } = options;
  const given = { chain, clock, random, store, receipts, confirmations, onError, onTransaction };
  const flights = new Map<string, Flight>();
  const sky: Sky = { ...given, listener, flights };
  return {
    all: () => [...flights.values()],
    carrying: (settlementId) =>
      [...flights.values()].find(({ members, nonce }) => members.has(settlementId) && nonce >= 0),
    open: (sender, members) => open(sky, sender, members),
    close: (flight) => close(sky, flight),
    record: (flight, transaction) => record(sky, flight, transaction),
    takeUp: (transaction, sender, undone) => takeUp(sky, transaction, sender, undone),
    async fill(sender, nonce) {
      const flight = open(sky, sender, []);
      await orClose(sky, flight, () => sender.fill(nonce, (transaction) => record(sky, flight, transaction)));
    },
    conclude: (flight) => conclude(sky, flight),
  };
}

function start(
  { clock, flights }: Sky,
  id: string,
  sender: Sender | undefined,
  { members, alone }: { readonly members: readonly Settlement[]; readonly alone: boolean },
): Flight {
  const flight: Flight = {
    id,
    sender,
    alone,
    lookedAt: clock.now(),
    carried: members.length,
    hashes: [],
    members: new Map(members.map((member) => [member.id, member])),
    undone: new Set(),
    watches: [],
    nonce: -1,
    receipt: undefined,
    dropped: false,
    turn: Promise.resolve(),
  };
  flights.set(id, flight);
  return flight;
}

function open(sky: Sky, sender: Sender, members: readonly Settlement[]): Flight {
  return start(sky, newId('transaction', sky), sender, { members, alone: members.length <= 1 });
}

function close({ flights }: Sky, flight: Flight): void {
  flights.delete(flight.id);
  for (const cancel of flight.watches.splice(0)) cancel();
}

async function orClose(sky: Sky, flight: Flight, work: () => Promise<void> | undefined): Promise<void> {
  try {
    await work();
  } catch (error) {
    close(sky, flight);
    throw error;
  }
}

async function takeUp(
  sky: Sky,
  { transactionId, attempts, settlements }: CarryingTransaction,
  sender: Sender | undefined,
  undone: readonly Settlement[] = [],
): Promise<void> {
  const underWay = sky.flights.get(transactionId);
  if (underWay) close(sky, underWay);
  const members = [...(underWay?.members.values() ?? []), ...settlements];
  const alone = members.some(({ transfer }) => transfer.alone) || !sameHex(attempts[0]?.to ?? '', MULTICALL3);
  const flight = start(sky, transactionId, sender, { members, alone });
  for (const id of [...(underWay?.undone ?? []), ...undone.map((member) => member.id)]) flight.undone.add(id);
  for (const attempt of attempts) watch(sky, flight, attempt);
  await orClose(sky, flight, () =>
    sender?.adopt(attempts, (transaction) => record(sky, flight, transaction)),
  );
}

async function record(sky: Sky, flight: Flight, transaction: SignedTransaction): Promise<void> {
  await sky.store.recordTransaction(flight, transaction, [...flight.members.keys()]);
  watch(sky, flight, transaction);
}

function watch(sky: Sky, flight: Flight, { hash, nonce }: Pick<SignedTransaction, 'hash' | 'nonce'>): void {
  flight.nonce = nonce;
  flight.hashes.push(hash);
  const found = (receipt: TransactionReceipt) => {
    keepReceipt(sky, flight, receipt);
    void conclude(sky, flight).catch((error: unknown) => sky.onError('conclude', error));
  };
  flight.watches.push(sky.receipts.watch(hash, found));
}

function keepReceipt({ onTransaction }: Sky, flight: Flight, receipt: TransactionReceipt): void {
  if (!flight.receipt) {
    const { hash, success, gasUsed } = receipt;
    const { sender, carried } = flight;
    onTransaction?.({ hash, signer: sender?.address, success, gasUsed, payments: carried });
  }
  flight.receipt = receipt;
  flight.sender?.finish(flight.nonce);
}

/** The chain may prove payments before the receipt of their transaction was seen, and what that cost is to be told all the same. */
async function lookForReceipt(sky: Sky, flight: Flight): Promise<void> {
  const receipts = await sky.chain.receipts(flight.hashes);
  const receipt = receipts.find((found) => found);
  if (receipt) keepReceipt(sky, flight, receipt);
}

function conclude(sky: Sky, flight: Flight): Promise<void> {
  const turn = flight.turn.then(() => concludeNow(sky, flight));
  flight.turn = turn.catch(() => undefined);
  return turn;
}

async function concludeNow(sky: Sky, flight: Flight): Promise<void> {
  const { receipt } = flight;
  flight.lookedAt = sky.clock.now();
  if (receipt) await settleProved(sky, flight, receipt);
  if (flight.members.size > 0) await lookAtMembers(sky, flight);
  if (flight.members.size > 0) return;
  if (!flight.receipt) await lookForReceipt(sky, flight);
  if (!flight.receipt) flight.sender?.abandon(flight.nonce);
  close(sky, flight);
}

async function lookAtMembers(sky: Sky, flight: Flight): Promise<void> {
  const { receipt, alone } = flight;
  const members = [...flight.members.values()];
  const proven = await provenOutcomes(sky, members);
  for (const [i, member] of members.entries()) {
    const outcome = proven[i] ?? (receipt && (await failureIn(sky.chain, receipt, member, alone)));
    if (outcome?.state === 'settled') await settleAll(sky, flight, { members: [member], hash: outcome.hash });
    else if (outcome && !proven[i] && flight.undone.has(member.id)) unmade(sky, flight, member);
    else if (outcome) await failOne(sky, flight, member, outcome);
  }
}

/** Its seller was told of the payment: another transaction is to make it, and only what becomes of that one ends it. */
function unmade({ listener }: Sky, flight: Flight, member: Settlement): void {
  flight.members.delete(member.id);
  listener.unmade({ ...member, state: 'sent' });
}

async function failOne(
  sky: Sky,
  flight: Flight,
  member: Settlement,
  outcome: SettlementOutcome & { state: 'failed' },
): Promise<void> {
  await sky.store.fail(member.id, outcome.reason, outcome.message);
  announce(sky, flight, member, outcome);
}

async function settleProved(
  sky: Sky,
  flight: Flight,
  { logs, hash, blockHash }: TransactionReceipt,
): Promise<void> {
  const proved = [...flight.members.values()].filter(({ transfer }) => transfer.isProvedBy(logs));
  await settleAll(sky, flight, { members: proved, hash, blockHash });
}

/** Payments that one transaction made; the block in which it was seen, if it was seen itself. */
interface Made {
  readonly members: readonly Settlement[];
  readonly hash: Hex;
  readonly blockHash?: Hex;
}

async function settleAll(sky: Sky, flight: Flight, { members, hash, blockHash }: Made): Promise<void> {
  if (members.length === 0) return;
  const ids = members.map(({ id }) => id);
  await sky.store.settle(ids, hash);
  sky.listener.settled(ids, hash, blockHash);
  for (const member of members) announce(sky, flight, member, { state: 'settled', hash });
}

function announce({ listener }: Sky, flight: Flight, { id }: Settlement, outcome: SettlementOutcome): void {
  flight.members.delete(id);
  listener.ended(id, outcome);
}
