import { AgentPayError, type Cancel } from '@agentpay/primitives';
import { sameHex, type Address, type Hex } from '@agentpay/protocol';
import { asOneCall, type Sender, type SignedTransaction, type TransactionRequest } from '@agentpay/evm';
import { createBatcher } from './sending/Batcher.js';
import { createFlights, type Flight, type FlightsOptions } from './sending/Flights.js';
import { provenOutcomes } from './assurance/provenOutcome.js';
import { createRepair, type RepairOptions } from './assurance/repair.js';
import { createRechecks } from './assurance/Rechecks.js';
import {
  GIVEN_UP,
  hasEnded,
  keyText,
  outcomeOf,
  type Outcome,
  type Settlement,
  type SettlementKey,
} from './Settlement.js';
import { ClaimsLost } from './SettlementStore.js';
import { createWaiters } from './intake/Waiters.js';

/** Gas limits; what is not used is not paid. */
const BATCH_GAS = 60_000n;
const BATCH_GAS_EACH = 100_000n;

/** Left to live, at which a payment waits for no others: blocks enough for one that does not get into the first. */
const PRESSES_MS = 10_000;

/** Rest of a signer account between two batches: short beside a block, long enough for others to join the next one. */
const LANE_REST_MS = 30;

export interface SettlementsOptions extends FlightsOptions, RepairOptions {
  readonly maxBatch: number;
  readonly batchWindowMs: number;
  /** Longest wait of one call for an outcome, ms. */
  readonly settleTimeoutMs: number;
  /** Surrounds the sending of every batch; `send` gives the hash, if there was still something to send. */
  readonly aroundBatch?:
    | ((payments: number, send: () => Promise<Hex | undefined>) => Promise<unknown>)
    | undefined;
}

/** Moves the money of claimed settlements and finds out what became of it. */
export interface Settlements {
  /**
   * Sends the settlement, alone or with others, and waits for its outcome, for a while.
   * @throws AgentPayError `facilitator_unavailable` when nothing could be sent: then nothing will be
   */
  send(settlement: Settlement): Promise<Outcome>;
  /** Whether an account of ours can send; or this one, when it is given. */
  canSend(sender?: Address): boolean;
  /** Whether one with this key waits here to be signed and sent: then its claim may not be given to another payment. */
  isQueued(key: SettlementKey): boolean;
  /**
   * Waits for the outcome of a settlement that is queued or was sent before, for a while.
   * @throws AgentPayError `facilitator_unavailable` as {@link Settlements.send} does
   */
  wait(id: string): Promise<Outcome>;
  /** Looks now, instead of with the next repair, for what the chain proves of a settlement; undefined when there is no such one. */
  reconcile(id: string): Promise<Outcome | undefined>;
  /** Takes up what an earlier process left unfinished; gives the number of its settlements. To be called once, first. */
  resume(): Promise<number>;
  /** Finishes the batches at work and stops. What was sent is taken up by the next process. */
  close(): Promise<void>;
}

export function createSettlements(options: SettlementsOptions): Settlements {
  const {
    clock,
    store,
    accounts,
    receipts,
    settleTimeoutMs,
    repairEveryMs,
    onError,
    aroundBatch = (_, send) => send(),
  } = options;
  /** By id, with the text of their keys. */
  const queued = new Map<string, string>();
  const queuedKeys = new Set<string>();
  /** Queued ones for which a signed transaction may be on record: the database was asked, and its answer got lost. */
  const inDoubt = new Set<string>();
  const waiters = createWaiters(clock, settleTimeoutMs);
  const flights = createFlights(options, {
    ended: waiters.tell,
    settled: (...made) => rechecks.add(...made),
  });
  const repair = createRepair(options, flights, (settlement) => batcher.add(settlement));
  const rechecks = createRechecks(options, repair.makeAgain);
  let repairing: Promise<void> = Promise.resolve();
  let cancelRepair: Cancel | undefined;
  let abandonedAt = -Infinity;
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

  async function sendFlight(
    members: readonly Settlement[],
    sender: Sender | undefined,
  ): Promise<Hex | undefined> {
    if (!sender) throw new Error('Another copy of the facilitator has taken the account over.');
    const living = await giveUpExpired(members);
    if (living.length === 0) return undefined;
    const flight = flights.open(sender, living);
    try {
      const { hash } = await sender.send(requestOf(living), (transaction) => record(flight, transaction));
      return hash;
    } catch (error) {
      flights.close(flight);
      if (!(error instanceof ClaimsLost)) throw error;
      for (const id of error.ids) leave(id);
      return sendFlight(
        living.filter(({ id }) => !error.ids.includes(id)),
        sender,
      );
    } finally {
      if (flight.nonce >= 0) for (const { id } of living) leave(id);
    }
  }

  async function record(flight: Flight, transaction: SignedTransaction): Promise<void> {
    const members = [...flight.members.keys()];
    try {
      await flights.record(flight, transaction);
    } catch (error) {
      if (!(error instanceof ClaimsLost)) for (const id of members) inDoubt.add(id);
      throw error;
    }
  }

  function enter(settlement: Settlement): void {
    const key = keyText(settlement);
    queued.set(settlement.id, key);
    queuedKeys.add(key);
  }

  function leave(id: string): void {
    queuedKeys.delete(queued.get(id) ?? '');
    queued.delete(id);
    inDoubt.delete(id);
  }

  /** Those to send; the wait for a chain out of reach may have outlived the others. What was sent before fails by proof only. */
  async function giveUpExpired(members: readonly Settlement[]): Promise<Settlement[]> {
    const unsigned = members.filter(({ id, state }) => state === 'claimed' && !inDoubt.has(id));
    const expired = unsigned.filter((member) => hasEnded(member, clock));
    const message = 'The authorization expired before it could be sent.';
    for (const { id, transfer } of expired) {
      await store.giveUp([id], transfer.endReason, message);
      leave(id);
      waiters.tell(id, { state: 'failed', reason: transfer.endReason, message });
    }
    return members.filter((member) => !expired.includes(member));
  }

  async function stored(id: string): Promise<Outcome> {
    const settlement = await store.get(id);
    return settlement ? outcomeOf(settlement) : { state: 'pending', hash: '' };
  }

  async function reconcile(id: string): Promise<Outcome | undefined> {
    const settlement = await store.get(id);
    if (!settlement) return undefined;
    const flight = flights.carrying(id);
    if (flight) await repair.flight(flight);
    else if (settlement.state !== 'settled') {
      const [proven] = await provenOutcomes(options, [settlement]);
      if (proven?.state === 'settled') await store.settle([id], proven.hash);
      if (proven?.state === 'failed') await store.fail(id, proven.reason, proven.message);
    }
    return stored(id);
  }

  function scheduleRepair(): void {
    if (closed) return;
    cancelRepair = clock.timer(repairEveryMs, () => (repairing = repairAll().finally(scheduleRepair)), {
      background: true,
    });
  }

  async function repairAll(): Promise<void> {
    await repair.all();
    batcher.wake();
    const attempt = (what: string, work: () => Promise<void>) =>
      work().catch((error: unknown) => onError(what, error));
    await attempt('claims', () => giveUpAbandoned(new Date(clock.now() - 2 * settleTimeoutMs)));
    await attempt('second look', rechecks.look);
    await attempt('look', tellOfOthers);
  }

  /**
   * Ends claims of which nothing was signed and at which nobody works, because their process died or the database failed it. Whoever
   * asked was told nothing and asks again, or does without; to pay now what nobody may deliver any more would be worse.
   */
  async function giveUpAbandoned(before: Date | null): Promise<void> {
    if (clock.now() - abandonedAt < 10 * repairEveryMs) return;
    abandonedAt = clock.now();
    await store.giveUpAbandoned([...queued.keys()], before);
  }

  /** Settlements that another copy carries, and for which somebody waits here. */
  async function tellOfOthers(): Promise<void> {
    const here = new Set([...queued.keys(), ...flights.all().flatMap(({ members }) => [...members.keys()])]);
    const elsewhere = waiters.ids().filter((id) => !here.has(id));
    for (const settlement of elsewhere.length > 0 ? await store.getAll(elsewhere) : []) {
      const outcome = outcomeOf(settlement);
      if (outcome.state !== 'pending') waiters.tell(settlement.id, outcome);
    }
  }

  return {
    async send(settlement) {
      const { outcome } = waiters.wait(settlement.id);
      enter(settlement);
      batcher.add(settlement);
      const known = await outcome;
      if (known) return verdict(known);
      if (inDoubt.has(settlement.id) || !batcher.remove(settlement))
        return verdict(await stored(settlement.id));
      leave(settlement.id);
      await store.giveUp([settlement.id], GIVEN_UP, 'It could not be sent in time.');
      throw notSent();
    },
    canSend: (sender) =>
      accounts.addresses.some((own, lane) => accounts.isUsable(lane) && (!sender || sameHex(own, sender))),
    isQueued: (key) => queuedKeys.has(keyText(key)),
    async wait(id) {
      const { outcome, cancel } = waiters.wait(id);
      const now = await stored(id);
      if (now.state !== 'pending') cancel();
      return verdict((await outcome) ?? (await stored(id)));
    },
    reconcile,
    async resume() {
      const resumed = await repair.renewAccounts();
      // Nobody has asked this process for anything yet.
      await giveUpAbandoned(null);
      await repairAll();
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

/** @throws AgentPayError `facilitator_unavailable` for a claim that was given up */
function verdict(outcome: Outcome): Outcome {
  if (outcome.state === 'failed' && outcome.reason === GIVEN_UP) throw notSent();
  return outcome;
}

function notSent(): AgentPayError {
  return new AgentPayError('facilitator_unavailable', 'It could not be sent in time; nothing was sent.', {
    retryAfter: 5,
  });
}

function requestOf(members: readonly Settlement[]): TransactionRequest {
  const calls = members.flatMap(({ transfer }) => transfer.calls());
  const { to, data } = asOneCall(calls);
  const gas = members.length === 1 ? members[0]?.transfer.gas : undefined;
  return { to, data, gas: gas ?? BATCH_GAS + BATCH_GAS_EACH * BigInt(members.length) };
}
