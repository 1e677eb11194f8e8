import { AgentPayError, MULTICALL3, newId, unixSeconds, type Cancel, type Clock, type Random } from '@agentpay/primitives';
import { sameHex, type Address, type Hex } from '@agentpay/protocol';
import {
  aggregate,
  type Chain,
  type Receipt,
  type Receipts,
  type Sender,
  type SignedTransaction,
  type TransactionRequest,
} from '@agentpay/evm';
import type { GasAccounts } from './GasAccounts.js';
import { createBatcher } from './Batcher.js';
import { failureIn, provenOutcomes } from './provenOutcome.js';
import { outcomeOf, type Outcome, type Settlement } from './Settlement.js';
import type { SettlementStore, CarryingTransaction } from './SettlementStore.js';
import type { LandedTransaction } from './LandedTransaction.js';
import { createWaiters } from './Waiters.js';

/** Gas limits; what is not used is not paid. */
const BATCH_GAS = 60_000n;
const BATCH_GAS_EACH = 100_000n;

/** Left to live, at which a payment waits for no others: blocks enough for one that does not get into the first. */
const PRESSES_MS = 10_000;

/** Rest of a gas account between two batches: short beside a block, long enough for others to join the next one. */
const LANE_REST_MS = 30;

export interface SettlementsOptions {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: SettlementStore;
  readonly accounts: GasAccounts;
  readonly receipts: Receipts;
  readonly maxBatch: number;
  /** Blocks that a transaction must have, its own included, to count. */
  readonly confirmations: number;
  readonly batchWindowMs: number;
  /** Longest wait of one call for an outcome, ms. */
  readonly settleTimeoutMs: number;
  /** Time between repairs, ms. */
  readonly repairEveryMs: number;
  readonly onError: (what: string, error: unknown) => void;
  /** Hears of every transaction of ours that got into a block. */
  readonly onTransaction?: ((landed: LandedTransaction) => void) | undefined;
  /** Surrounds the sending of every batch; `send` gives the hash, if there was still something to send. */
  readonly aroundBatch?: ((payments: number, send: () => Promise<Hex | undefined>) => Promise<unknown>) | undefined;
}

/** Moves the money of claimed settlements and finds out what became of it. */
export interface Settlements {
  /**
   * Sends the settlement, alone or with others, and waits for its outcome, for a while.
   * @throws AgentPayError `facilitator_unavailable` when nothing could be sent: then nothing will be
   */
  send(settlement: Settlement): Promise<Outcome>;
  /** Whether an account of ours can send. */
  canSend(): boolean;
  /** Whether it waits here to be signed and sent: then its claim may not be given to another payment. */
  isQueued(id: string): boolean;
  /** Waits for the outcome of a settlement that is queued or was sent before, for a while. */
  wait(id: string): Promise<Outcome>;
  /** Looks now, instead of with the next repair, for what the chain proves of a settlement; undefined when there is no such one. */
  reconcile(id: string): Promise<Outcome | undefined>;
  /** Takes up what an earlier process left unfinished; gives the number of its settlements. To be called once, first. */
  resume(): Promise<number>;
  /** Finishes the batches at work and stops. What was sent is taken up by the next process. */
  close(): Promise<void>;
}

/** One account nonce and the settlements that it carries. */
interface Flight {
  readonly id: string;
  readonly sender: Sender | undefined;
  readonly alone: boolean;
  /** When its outcome was last looked for, ms. */
  lookedAt: number;
  /** Those without an outcome. */
  readonly members: Map<string, Settlement>;
  readonly watches: Cancel[];
  nonce: number;
  receipt: Receipt | undefined;
  /** Somebody else's transaction took the nonce. */
  dropped: boolean;
  /** One look at the outcome at a time. */
  turn: Promise<void>;
}

export function createSettlements(options: SettlementsOptions): Settlements {
  const { chain, clock, store, accounts, receipts, settleTimeoutMs, repairEveryMs, onError, aroundBatch = (_, send) => send() } = options;
  const flights = new Map<string, Flight>();
  const queued = new Set<string>();
  const waiters = createWaiters(clock, settleTimeoutMs);
  let repairing: Promise<void> = Promise.resolve();
  let cancelRepair: Cancel | undefined;
  let closed = false;

  const batcher = createBatcher<Settlement>({
    clock,
    lanes: accounts.addresses.length,
    maxBatch: options.maxBatch,
    windowMs: options.batchWindowMs,
    restMs: LANE_REST_MS,
    retryMs: 500,
    alone: ({ transfer }) => transfer.alone,
    pressesAt: ({ transfer }) => Number(transfer.endsAt) * 1000 - PRESSES_MS,
    laneOf: ({ transfer: { sender } }) => (sender === undefined ? undefined : laneOf(sender)),
    isUsable: (lane) => accounts.isUsable(lane),
    flush: (members, lane) => aroundBatch(members.length, () => sendFlight(members, accounts.sender(lane))),
    onError: (error) => onError('send', error),
  });

  function laneOf(address: Address): number | undefined {
    const lane = accounts.addresses.findIndex((own) => sameHex(own, address));
    return lane < 0 ? undefined : lane;
  }

  async function sendFlight(members: readonly Settlement[], sender: Sender | undefined): Promise<Hex | undefined> {
    if (!sender) throw new Error('Another copy of the facilitator has taken the account over.');
    const living = await failExpired(members);
    if (living.length === 0) return undefined;
    const flight = openFlight(newId('transaction', options), sender, living, living.length === 1);
    try {
      return (await sender.send(requestOf(living), (transaction) => recordAttempt(flight, transaction))).hash;
    } catch (error) {
      closeFlight(flight);
      throw error;
    }
  }

  const hasExpired = ({ transfer }: Settlement): boolean => transfer.endsAt <= BigInt(unixSeconds(clock));

  /** Those to send; the wait for a chain out of reach may have outlived the others. What was sent before fails by proof only. */
  async function failExpired(members: readonly Settlement[]): Promise<Settlement[]> {
    const expired = members.filter((member) => member.state === 'claimed' && hasExpired(member));
    const message = 'The authorization expired before it could be sent.';
    for (const { id, transfer } of expired) {
      await store.fail(id, transfer.endReason, message);
      queued.delete(id);
      waiters.tell(id, { state: 'failed', reason: transfer.endReason, message });
    }
    return members.filter((member) => !expired.includes(member));
  }

  function openFlight(id: string, sender: Sender | undefined, members: readonly Settlement[], alone: boolean): Flight {
    const flight: Flight = {
      id,
      sender,
      alone,
      lookedAt: clock.now(),
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

  function closeFlight(flight: Flight): void {
    flights.delete(flight.id);
    for (const cancel of flight.watches.splice(0)) cancel();
  }

  async function recordAttempt(flight: Flight, transaction: SignedTransaction): Promise<void> {
    await store.recordTransaction(flight.id, transaction, [...flight.members.keys()]);
    for (const id of flight.members.keys()) queued.delete(id);
    watch(flight, transaction);
  }

  function watch(flight: Flight, { hash, nonce }: Pick<SignedTransaction, 'hash' | 'nonce'>): void {
    flight.nonce = nonce;
    const found = (receipt: Receipt) => {
      if (!flight.receipt) announceLanded(flight, receipt);
      flight.receipt = receipt;
      flight.sender?.finish(flight.nonce);
      void conclude(flight).catch((error: unknown) => onError('conclude', error));
    };
    flight.watches.push(receipts.watch(hash, found));
  }

  function announceLanded({ sender, members }: Flight, { hash, success, gasUsed }: Receipt): void {
    options.onTransaction?.({ hash, signer: sender?.address, success, gasUsed, payments: members.size });
  }

  /** Finds the outcomes that can be proved now. The rest is looked at again with the next repair. */
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
    if (!receipt) flight.sender?.abandon(flight.nonce);
    closeFlight(flight);
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

  async function failOne(flight: Flight, member: Settlement, outcome: Outcome & { state: 'failed' }): Promise<void> {
    await store.fail(member.id, outcome.reason, outcome.message);
    announce(flight, member, outcome);
  }

  async function settleProved(flight: Flight, { logs, hash }: Receipt): Promise<void> {
    const proved = [...flight.members.values()].filter(({ transfer }) => transfer.isProvedBy(logs));
    await settleAll(flight, proved, hash);
  }

  async function settleAll(flight: Flight, members: readonly Settlement[], hash: Hex): Promise<void> {
    if (members.length === 0) return;
    await store.settle(members.map(({ id }) => id), hash);
    for (const member of members) announce(flight, member, { state: 'settled', hash });
  }

  function announce(flight: Flight, { id }: Settlement, outcome: Outcome): void {
    flight.members.delete(id);
    waiters.tell(id, outcome);
  }

  async function stored(id: string): Promise<Outcome> {
    const settlement = await store.get(id);
    return settlement ? outcomeOf(settlement) : { state: 'pending', hash: '' };
  }

  async function reconcile(id: string): Promise<Outcome | undefined> {
    const settlement = await store.get(id);
    if (!settlement) return undefined;
    const flight = [...flights.values()].find(({ members, nonce }) => members.has(id) && nonce >= 0);
    if (flight) await repairFlight(flight);
    else if (settlement.state !== 'settled') {
      const [proven] = await provenOutcomes(options, [settlement]);
      if (proven?.state === 'settled') await store.settle([id], proven.hash);
      if (proven?.state === 'failed') await store.fail(id, proven.reason, proven.message);
    }
    return stored(id);
  }

  function scheduleRepair(): void {
    if (closed) return;
    cancelRepair = clock.timer(repairEveryMs, () => (repairing = repair().finally(scheduleRepair)), { background: true });
  }

  async function repair(): Promise<void> {
    const attempt = (what: string, work: () => Promise<unknown>) => work().catch((error: unknown) => onError(what, error));
    await attempt('gas accounts', renewAccounts);
    for (const sender of accounts.held()) await attempt('maintain', () => maintain(sender));
    for (const flight of flights.values()) {
      const due = flight.receipt || flight.dropped || clock.now() - flight.lookedAt >= 10 * repairEveryMs;
      if (due && flight.nonce >= 0) await attempt('repair', () => repairFlight(flight));
    }
    await attempt('look', tellOfOthers);
  }

  async function renewAccounts(): Promise<number> {
    const { gained, lost } = await accounts.renew();
    for (const flight of flights.values()) if (flight.sender && lost.includes(flight.sender)) closeFlight(flight);
    const unfinished = gained.length > 0 ? await store.unfinished() : [];
    const mine = unfinished.filter(({ transactionId, attempts: [attempt] }) => {
      const isOurs = gained.some(({ address }) => address === attempt?.signer);
      return !flights.has(transactionId) && (isOurs || !accounts.addresses.some((address) => address === attempt?.signer));
    });
    for (const transaction of mine) await takeUp(transaction);
    for (const address of await accounts.watchBalances()) onError('balance', new Error(`The account ${address} has too little ether.`));
    batcher.wake();
    return mine.reduce((sum, { settlements }) => sum + settlements.length, 0);
  }

  /** Settlements that another copy carries, and for which somebody waits here. */
  async function tellOfOthers(): Promise<void> {
    const here = new Set([...queued, ...[...flights.values()].flatMap(({ members }) => [...members.keys()])]);
    const elsewhere = waiters.ids().filter((id) => !here.has(id));
    for (const settlement of elsewhere.length > 0 ? await store.getAll(elsewhere) : []) {
      const outcome = outcomeOf(settlement);
      if (outcome.state !== 'pending') waiters.tell(settlement.id, outcome);
    }
  }

  async function maintain(sender: Sender): Promise<void> {
    const { dropped, lost } = await sender.maintain();
    for (const flight of flights.values()) {
      if (flight.sender === sender && dropped.includes(flight.nonce)) flight.dropped = true;
    }
    if (lost.length > 0) await restore(sender, lost);
  }

  /** The chain lost blocks: the same signed transactions, handed over again, make the same payments again. */
  async function restore(sender: Sender, nonces: readonly number[]): Promise<void> {
    const signed = await store.signedWith(sender.address, nonces);
    for (const nonce of nonces) {
      const transaction = signed.findLast(({ attempts }) => attempts[0]?.nonce === nonce);
      if (transaction) await restoreTransaction(transaction);
      else await fill(sender, nonce);
    }
  }

  async function restoreTransaction({ transactionId, attempts, settlements }: CarryingTransaction): Promise<void> {
    const receiptsNow = await chain.receipts(attempts.map(({ hash }) => hash));
    const standing = receiptsNow.some((receipt) => receipt);
    const gone = settlements.filter(({ state }) => state === 'settled' && !standing);
    if (gone.length > 0) {
      await store.reopen(gone.map(({ id }) => id));
      onError('reorganisation', new Error(`The chain lost ${attempts.at(-1)?.hash} with ${gone.length} settled payments; sent again.`));
    }
    // The attempt that moved the money is the one to hand over.
    const moved = (attempt: SignedTransaction) => settlements.some(({ hash }) => hash === attempt.hash);
    const inOrder = [...attempts.filter((attempt) => !moved(attempt)), ...attempts.filter(moved)];
    await takeUp({ transactionId, attempts: inOrder, settlements: settlements.filter(({ state }) => state === 'sent').concat(gone) });
  }

  async function fill(sender: Sender, nonce: number): Promise<void> {
    const flight = openFlight(newId('transaction', options), sender, [], true);
    await sender.fill(nonce, (transaction) => recordAttempt(flight, transaction));
  }

  async function repairFlight(flight: Flight): Promise<void> {
    await conclude(flight);
    if (!flight.dropped || flight.receipt || flight.members.size === 0) return;
    // None of its attempts can land any more, so a new transaction cannot be a second one. What has expired is left to be proved.
    for (const member of flight.members.values()) if (!hasExpired(member)) sendAgain(flight, member);
    if (flight.members.size === 0) closeFlight(flight);
  }

  function sendAgain(flight: Flight, member: Settlement): void {
    flight.members.delete(member.id);
    batcher.add({ ...member, state: 'sent' });
  }

  async function takeUp({ transactionId, attempts, settlements }: CarryingTransaction): Promise<void> {
    const sender = accounts.held().find(({ address }) => address === attempts[0]?.signer);
    const alone = settlements.some(({ transfer }) => transfer.alone) || !sameHex(attempts[0]?.to ?? '', MULTICALL3);
    const flight = openFlight(transactionId, sender, settlements, alone);
    for (const attempt of attempts) watch(flight, attempt);
    await sender?.adopt(attempts, (transaction) => recordAttempt(flight, transaction));
  }

  return {
    async send(settlement) {
      const { outcome } = waiters.wait(settlement.id);
      queued.add(settlement.id);
      batcher.add(settlement);
      const known = await outcome;
      if (known) return known;
      if (!batcher.remove(settlement)) return stored(settlement.id);
      await store.fail(settlement.id, 'unexpectedSettle', 'It could not be sent in time.');
      queued.delete(settlement.id);
      throw new AgentPayError('facilitator_unavailable', 'It could not be sent in time; nothing was sent.', { retryAfter: 5 });
    },
    canSend: () => accounts.addresses.some((_, lane) => accounts.isUsable(lane)),
    isQueued: (id) => queued.has(id),
    async wait(id) {
      const { outcome, cancel } = waiters.wait(id);
      const now = await stored(id);
      if (now.state !== 'pending') cancel();
      return (await outcome) ?? stored(id);
    },
    reconcile,
    async resume() {
      const resumed = await renewAccounts();
      await repair();
      scheduleRepair();
      return resumed;
    },
    async close() {
      closed = true;
      cancelRepair?.();
      await Promise.all([repairing, batcher.close()]);
      receipts.close();
      waiters.close();
      await accounts.release();
    },
  };
}

function requestOf(members: readonly Settlement[]): TransactionRequest {
  const calls = members.flatMap(({ transfer }) => transfer.calls());
  const [only] = calls;
  const { to, data } = only && calls.length === 1 ? only : aggregate(calls);
  const gas = members.length === 1 ? members[0]?.transfer.gas : undefined;
  return { to, data, gas: gas ?? BATCH_GAS + BATCH_GAS_EACH * BigInt(members.length) };
}
