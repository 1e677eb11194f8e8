import { AgentPayError } from '@agentpay/primitives';
import { sameHex, type Address, type Hex } from '@agentpay/protocol';
import { provenOutcome } from './assurance/provenOutcome.js';
import { createRechecks } from './assurance/Rechecks.js';
import { createRepair, type RepairOptions } from './assurance/repair.js';
import { createUpkeep, type Upkeep, type UpkeepOptions } from './assurance/upkeep.js';
import { createWaiters } from './intake/Waiters.js';
import { createBatcher, type Batcher } from './sending/Batcher.js';
import { createDispatch, type Dispatch } from './sending/dispatch.js';
import { createFlights, type FlightsOptions } from './sending/Flights.js';
import { createQueue } from './sending/Queue.js';
import type { SettlementStore } from './SettlementStore.js';
import {
  GIVEN_UP,
  outcomeOf,
  type SettlementOutcome,
  type Settlement,
  type SettlementKey,
} from './Settlement.js';

// This module ties the parts of the engine. A settlement that was claimed (intake) goes from left to right; whoever asked for it waits.
//
//   send() ──► Queue ──► Batcher ──► dispatch ──► Flights ──► provenOutcomes ──► SettlementStore
//     │                     │            │           │  ▲
//     ▼                     │ a lane is  │ signs by  │  │ receipts of new blocks
//   Waiters ◄───────────────┘ a signer   │ Sender,   │  └──────────── Receipts
//     ▲                       account    │ records,  │
//     │ outcomes                         │ broadcasts│ settled
//     └──────────────────────────────────┴───────────┤
//                                                    ▼
//   upkeep, every second: ── repair ──► Flights   Rechecks (after 10 s and a minute)
//     claims that were abandoned │                   │
//     outcomes of other replicas ▼                   ▼ payments that the chain undid
//                             Batcher ◄──────────────┘ repair.makeAgain

/** Left to live, at which a payment waits for no others: blocks enough for one that does not get into the first. */
const PRESSES_MS = 10_000;

/** Rest of a signer account between two batches: short beside a block, long enough for others to join the next one. */
const LANE_REST_MS = 30;

/** Until a batch that could not be sent is tried again. */
const RETRY_MS = 500;

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
  send(settlement: Settlement): Promise<SettlementOutcome>;
  /** Whether an account of ours can send; or this one, when it is given. */
  canSend(sender?: Address): boolean;
  /** Whether one with this key waits here to be signed and sent: then its claim may not be given to another payment. */
  isQueued(key: SettlementKey): boolean;
  /**
   * Waits for the outcome of a settlement that is queued or was sent before, for a while.
   * @throws AgentPayError `facilitator_unavailable` as {@link Settlements.send} does
   */
  wait(id: string): Promise<SettlementOutcome>;
  /** Looks now, instead of with the next repair, for what the chain proves of a settlement; undefined when there is no such one. */
  reconcile(id: string): Promise<SettlementOutcome | undefined>;
  /** Takes up what an earlier process left unfinished; gives the number of its settlements. To be called once, first. */
  resume(): Promise<number>;
  /** Finishes the batches at work and stops. What was sent is taken up by the next process. */
  close(): Promise<void>;
}

export function createSettlements(options: SettlementsOptions): Settlements {
  const { clock, store, accounts, receipts, settleTimeoutMs } = options;
  const queue = createQueue();
  const waiters = createWaiters(clock, settleTimeoutMs);
  const flights = createFlights(options, {
    ended: waiters.tell,
    settled: (...made) => rechecks.add(...made),
    unmade: (settlement) => batcher.add(settlement),
  });
  const dispatch = createDispatch({ clock, store, queue, flights, waiters });
  const batcher = batcherOf(options, dispatch);
  const repair = createRepair(options, flights, batcher.add);
  const rechecks = createRechecks(options, repair.makeAgain);
  const upkeep = upkeepOf(options, { queue, flights, waiters, repair, rechecks, wake: batcher.wake });
  const stored = (id: string) => storedOutcome(store, id);

  return {
    async send(settlement) {
      const { outcome } = waiters.wait(settlement.id);
      queue.enter(settlement);
      batcher.add(settlement);
      const known = await outcome;
      if (known) return verdict(known);
      if (queue.isInDoubt(settlement.id) || !batcher.remove(settlement))
        return verdict(await stored(settlement.id));
      queue.leave(settlement.id);
      await store.giveUp([settlement.id], GIVEN_UP, 'It could not be sent in time.');
      throw notSent();
    },
    canSend: (sender) =>
      accounts.addresses.some((own, lane) => accounts.isUsable(lane) && (!sender || sameHex(own, sender))),
    isQueued: queue.has,
    async wait(id) {
      const { outcome, cancel } = waiters.wait(id);
      const now = await stored(id);
      if (now.state !== 'pending') cancel();
      return verdict((await outcome) ?? (await stored(id)));
    },
    async reconcile(id) {
      const settlement = await store.get(id);
      if (!settlement) return undefined;
      const flight = flights.carrying(id);
      if (flight) await repair.flight(flight);
      else if (settlement.state !== 'settled') await recordProven(options, settlement);
      return stored(id);
    },
    async resume() {
      const resumed = await repair.renewAccounts();
      await upkeep.start();
      return resumed;
    },
    async close() {
      await Promise.all([upkeep.stop(), batcher.close()]);
      receipts.close();
      waiters.close();
      await accounts.release();
    },
  };
}

type LookedAfter = Pick<UpkeepOptions, 'queue' | 'flights' | 'waiters' | 'repair' | 'rechecks' | 'wake'>;

/** The rounds in which all of them are looked after. */
function upkeepOf(options: SettlementsOptions, lookedAfter: LookedAfter): Upkeep {
  const { clock, store, repairEveryMs, settleTimeoutMs, onError } = options;
  return createUpkeep({ clock, store, repairEveryMs, settleTimeoutMs, onError, ...lookedAfter });
}

async function storedOutcome(store: SettlementStore, id: string): Promise<SettlementOutcome> {
  const settlement = await store.get(id);
  return settlement ? outcomeOf(settlement) : { state: 'pending', hash: '' };
}

/** Records what the chain proves of a settlement that no transaction of ours carries. */
async function recordProven(options: SettlementsOptions, settlement: Settlement): Promise<void> {
  const { store } = options;
  const proven = await provenOutcome(options, settlement);
  if (proven?.state === 'settled') await store.settle([settlement.id], proven.hash);
  if (proven?.state === 'failed') await store.fail(settlement.id, proven.reason, proven.message);
}

/** The batcher whose lanes are the signer accounts. */
function batcherOf(options: SettlementsOptions, dispatch: Dispatch): Batcher<Settlement> {
  const { clock, accounts, maxBatch, batchWindowMs, onError, aroundBatch = (_, send) => send() } = options;

  function laneOf(address: Address): number | undefined {
    const lane = accounts.addresses.findIndex((own) => sameHex(own, address));
    return lane < 0 ? undefined : lane;
  }

  return createBatcher<Settlement>({
    clock,
    lanes: accounts.addresses.length,
    maxBatch,
    windowMs: batchWindowMs,
    restMs: LANE_REST_MS,
    retryMs: RETRY_MS,
    alone: ({ transfer }) => transfer.alone,
    pressesAt: ({ transfer }) => Number(transfer.endsAt) * 1000 - PRESSES_MS,
    laneOf: ({ transfer: { sender } }) => (sender === undefined ? undefined : laneOf(sender)),
    isUsable: (lane) => accounts.isUsable(lane),
    flush: (members, lane) => aroundBatch(members.length, () => dispatch(members, accounts.sender(lane))),
    onError: (error) => onError('send', error),
  });
}

/** @throws AgentPayError `facilitator_unavailable` for a claim that was given up */
function verdict(outcome: SettlementOutcome): SettlementOutcome {
  if (outcome.state === 'failed' && outcome.reason === GIVEN_UP) throw notSent();
  return outcome;
}

function notSent(): AgentPayError {
  return new AgentPayError('facilitator_unavailable', 'It could not be sent in time; nothing was sent.', {
    retryAfter: 5,
  });
}
