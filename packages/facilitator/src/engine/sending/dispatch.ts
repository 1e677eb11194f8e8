import type { Clock } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import {
  asOneCall,
  type AggregateCall,
  type Sender,
  type SignedTransaction,
  type TransactionRequest,
} from '@agentpay/evm';
import type { Waiters } from '../intake/Waiters.js';
import type { SharedCall } from '../../schemes/Scheme.js';
import { hasEnded, type Settlement } from '../Settlement.js';
import { ClaimsLost, type SettlementStore } from '../SettlementStore.js';
import type { Flight, Flights } from './Flights.js';
import type { Queue } from './Queue.js';

/** Gas limits; what is not used is not paid. */
const BATCH_GAS = 60_000n;
const BATCH_GAS_EACH = 100_000n;

export interface DispatchOptions {
  readonly clock: Clock;
  readonly store: SettlementStore;
  readonly queue: Queue;
  readonly flights: Flights;
  readonly waiters: Waiters;
}

/** Signs and broadcasts settlements as one transaction of a signer account; gives its hash, if there was still something to send. */
export type Dispatch = (
  members: readonly Settlement[],
  sender: Sender | undefined,
) => Promise<Hex | undefined>;

export function createDispatch({ clock, store, queue, flights, waiters }: DispatchOptions): Dispatch {
  /** Those to send; the wait for a chain out of reach may have outlived the others. What was sent before fails by proof only. */
  async function giveUpExpired(members: readonly Settlement[]): Promise<Settlement[]> {
    const unsigned = members.filter(({ id, state }) => state === 'claimed' && !queue.isInDoubt(id));
    const expired = unsigned.filter((member) => hasEnded(member, clock));
    const message = 'The authorization expired before it could be sent.';
    for (const { id, transfer } of expired) {
      await store.giveUp([id], transfer.endReason, message);
      queue.leave(id);
      waiters.tell(id, { state: 'failed', reason: transfer.endReason, message });
    }
    return members.filter((member) => !expired.includes(member));
  }

  async function record(flight: Flight, transaction: SignedTransaction): Promise<void> {
    const members = [...flight.members.keys()];
    try {
      await flights.record(flight, transaction);
    } catch (error) {
      if (!(error instanceof ClaimsLost)) queue.doubt(members);
      throw error;
    }
  }

  return async function dispatch(members, sender) {
    if (!sender) throw new Error('Another replica of the facilitator has taken the account over.');
    const living = await giveUpExpired(members);
    if (living.length === 0) return undefined;
    const flight = flights.open(sender, living);
    try {
      const { hash } = await sender.send(requestOf(living), (transaction) => record(flight, transaction));
      return hash;
    } catch (error) {
      flights.close(flight);
      if (!(error instanceof ClaimsLost)) throw error;
      for (const id of error.ids) queue.leave(id);
      return dispatch(
        living.filter(({ id }) => !error.ids.includes(id)),
        sender,
      );
    } finally {
      if (flight.nonce >= 0) for (const { id } of living) queue.leave(id);
    }
  };
}

function requestOf(members: readonly Settlement[]): TransactionRequest {
  const [first] = members;
  if (first && members.length === 1) return { ...asOneCall(first.transfer.calls()), gas: first.transfer.gas };
  const { to, data } = asOneCall(callsOf(members));
  const gas = members.reduce(
    (sum, { transfer }) => sum + (transfer.bundle?.gas ?? BATCH_GAS_EACH),
    BATCH_GAS,
  );
  return { to, data, gas };
}

/** The calls of several settlements, those of a kind as one. */
function callsOf(members: readonly Settlement[]): AggregateCall[] {
  const bundles = new Map<string, { readonly bundle: SharedCall; readonly items: unknown[] }>();
  const calls: AggregateCall[] = [];
  for (const { transfer } of members) {
    const { bundle } = transfer;
    if (!bundle) calls.push(...transfer.calls());
    else if (bundles.has(bundle.kind)) bundles.get(bundle.kind)?.items.push(bundle.item);
    else bundles.set(bundle.kind, { bundle, items: [bundle.item] });
  }
  return [...calls, ...[...bundles.values()].map(({ bundle, items }) => bundle.call(items))];
}
