import { newId } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Event, EventData } from './Event.js';
import * as store from './EventStore.js';

/** Puts an event into the outbox, inside the transaction of the change it tells of: both happen or neither. */
export async function emit(
  core: Core,
  tx: Tx,
  { type, subject, data }: { type: string; subject: string; data: EventData },
): Promise<Event> {
  const event = { id: newId('event', core), type, subject, data, createdAt: new Date(core.clock.now()) };
  await store.insertEvent(tx, event);
  return event;
}

/** Everything that happened to one subject, in the order of its happening. */
export function history(db: Queryable, { subject }: { subject: string }): Promise<Event[]> {
  return store.selectEvents(db, subject);
}
