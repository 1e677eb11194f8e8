import { MULTICALL3, newId, type Cancel, type Clock, type Random } from '@agentpay/primitives';
import { sameHex, type Hex } from '@agentpay/protocol';
import type { Chain, Receipt, Receipts, Sender, SignedTransaction } from '@agentpay/evm';
import type { MinedTransaction } from './MinedTransaction.js';
import { failureIn, provenOutcomes } from '../assurance/provenOutcome.js';
import type { Outcome, Settlement } from '../Settlement.js';
import type { CarryingTransaction, SettlementStore } from '../SettlementStore.js';

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
  /** Hashes of its attempts, oldest first. */
  readonly hashes: Hex[];
  readonly watches: Cancel[];
  /** Below 0: nothing is signed yet. */
  nonce: number;
  receipt: Receipt | undefined;
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
  /** Goes on with what was signed before; without a sender it only watches. After a failure there is no such flight. */
  takeUp(transaction: CarryingTransaction, sender: Sender | undefined): Promise<void>;
  /** Spends the nonce on nothing. */
  fill(sender: Sender, nonce: number): Promise<void>;
  /** Finds the outcomes that can be proved now. */
  conclude(flight: Flight): Promise<void>;
}

/** Hears of what was recorded. */
export interface FlightsListener {
  readonly ended: (id: string, outcome: Outcome) => void;
  /** Payments that one transaction made; the block in which it was seen, if it was seen itself. */
  readonly settled: (ids: readonly string[], hash: Hex, blockHash: Hex | undefined) => void;
}

export function createFlights(options: FlightsOptions, listener: FlightsListener): Flights {
  const { chain, clock, store, receipts, onError } = options;
  const flights = new Map<string, Flight>();

  function start(
    id: string,
    sender: Sender | undefined,
    members: readonly Settlement[],
    alone: boolean,
  ): Flight {
    const flight: Flight = {
      id,
      sender,
      alone,
      lookedAt: clock.now(),
      carried: members.length,
      hashes: [],
      members: new Map(members.map((member) => [member.id, member])),
      watches: [],
      nonce: -1,
      receipt: undefined,
      dropped: false,
      turn: Promise.resolve(),
    };
    flights.set(id, flight);
    return flight;
  }

  const open = (sender: Sender, members: readonly Settlement[]): Flight =>
    start(newId('transaction', options), sender, members, members.length <= 1);

  function close(flight: Flight): void {
    flights.delete(flight.id);
    for (const cancel of flight.watches.splice(0)) cancel();
  }

  async function record(flight: Flight, transaction: SignedTransaction): Promise<void> {
    await store.recordTransaction(flight, transaction, [...flight.members.keys()]);
    watch(flight, transaction);
  }

  function watch(flight: Flight, { hash, nonce }: Pick<SignedTransaction, 'hash' | 'nonce'>): void {
    flight.nonce = nonce;
    flight.hashes.push(hash);
    const found = (receipt: Receipt) => {
      keepReceipt(flight, receipt);
      void conclude(flight).catch((error: unknown) => onError('conclude', error));
    };
    flight.watches.push(receipts.watch(hash, found));
  }

  function keepReceipt(flight: Flight, receipt: Receipt): void {
    if (!flight.receipt) {
      const { hash, success, gasUsed } = receipt;
      const { sender, carried } = flight;
      options.onTransaction?.({ hash, signer: sender?.address, success, gasUsed, payments: carried });
    }
    flight.receipt = receipt;
    flight.sender?.finish(flight.nonce);
  }

  /** The chain may prove payments before the receipt of their transaction was seen, and what that cost is to be told all the same. */
  async function lookForReceipt(flight: Flight): Promise<void> {
    const receipts = await chain.receipts(flight.hashes);
    const receipt = receipts.find((found) => found);
    if (receipt) keepReceipt(flight, receipt);
  }

  function conclude(flight: Flight): Promise<void> {
    const turn = flight.turn.then(() => concludeNow(flight));
    flight.turn = turn.catch(() => undefined);
    return turn;
  }

  async function concludeNow(flight: Flight): Promise<void> {
    const { receipt } = flight;
    flight.lookedAt = clock.now();
    if (receipt) await settleProved(flight, receipt);
    if (flight.members.size > 0) await lookAtMembers(flight);
    if (flight.members.size > 0) return;
    if (!flight.receipt) await lookForReceipt(flight);
    if (!flight.receipt) flight.sender?.abandon(flight.nonce);
    close(flight);
  }

  async function lookAtMembers(flight: Flight): Promise<void> {
    const { receipt, alone } = flight;
    const members = [...flight.members.values()];
    const proven = await provenOutcomes(options, members);
    for (const [i, member] of members.entries()) {
      const outcome = proven[i] ?? (receipt && (await failureIn(chain, receipt, member, alone)));
      if (outcome?.state === 'settled') await settleAll(flight, [member], outcome.hash);
      if (outcome?.state === 'failed') await failOne(flight, member, outcome);
    }
  }

  async function failOne(
    flight: Flight,
    member: Settlement,
    outcome: Outcome & { state: 'failed' },
  ): Promise<void> {
    await store.fail(member.id, outcome.reason, outcome.message);
    announce(flight, member, outcome);
  }

  async function settleProved(flight: Flight, { logs, hash, blockHash }: Receipt): Promise<void> {
    const proved = [...flight.members.values()].filter(({ transfer }) => transfer.isProvedBy(logs));
    await settleAll(flight, proved, hash, blockHash);
  }

  async function settleAll(
    flight: Flight,
    members: readonly Settlement[],
    hash: Hex,
    blockHash?: Hex,
  ): Promise<void> {
    if (members.length === 0) return;
    const ids = members.map(({ id }) => id);
    await store.settle(ids, hash);
    listener.settled(ids, hash, blockHash);
    for (const member of members) announce(flight, member, { state: 'settled', hash });
  }

  function announce(flight: Flight, { id }: Settlement, outcome: Outcome): void {
    flight.members.delete(id);
    listener.ended(id, outcome);
  }

  return {
    all: () => [...flights.values()],
    carrying: (settlementId) =>
      [...flights.values()].find(({ members, nonce }) => members.has(settlementId) && nonce >= 0),
    open,
    close,
    record,
    async takeUp({ transactionId, attempts, settlements }, sender) {
      const underWay = flights.get(transactionId);
      if (underWay) close(underWay);
      const members = [...(underWay?.members.values() ?? []), ...settlements];
      const alone =
        members.some(({ transfer }) => transfer.alone) || !sameHex(attempts[0]?.to ?? '', MULTICALL3);
      const flight = start(transactionId, sender, members, alone);
      for (const attempt of attempts) watch(flight, attempt);
      try {
        await sender?.adopt(attempts, (transaction) => record(flight, transaction));
      } catch (error) {
        close(flight);
        throw error;
      }
    },
    async fill(sender, nonce) {
      const flight = open(sender, []);
      try {
        await sender.fill(nonce, (transaction) => record(flight, transaction));
      } catch (error) {
        close(flight);
        throw error;
      }
    },
    conclude,
  };
}
