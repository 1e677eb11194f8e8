import { AgentPayError, newId } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { Party } from '../parties/index.js';
import type { Event, EventPosition, EventType, ObjectOf } from './Event.js';
import * as store from './EventStore.js';

/** Most events that one reading gives. */
const MAX_READ = 1000;

/** The position before the first event. */
export const START: EventPosition = { transaction: '0', sequence: 0n };

/** An event to be: what happened, to what, and who may be told. */
export interface Emission<T extends EventType> {
  readonly subject: string;
  readonly audience: readonly Pick<Party, 'id'>[];
  readonly object: ObjectOf<T>;
}

/** Puts an event into the outbox, inside the transaction of the change it tells of: both happen or neither. */
export async function emit<T extends EventType>(
  core: Core,
  tx: Tx,
  type: T,
  emission: Emission<T>,
): Promise<Event> {
  const event = eventOf(core, type, emission);
  await store.events.insert(tx, event);
  return event;
}

/** @throws AgentPayError `event_not_found` */
export async function get(db: Queryable, { eventId }: { eventId: string }): Promise<Event> {
  const event = await store.events.find(db, { id: eventId });
  if (!event) throw new AgentPayError('event_not_found', 'There is no event with this id.');
  return event;
}

/** {@link emit} inside a batch. */
export function emitIn<T extends EventType>(
  core: Pick<Core, 'clock' | 'random'>,
  scene: Scene,
  type: T,
  emission: Emission<T>,
): void {
  scene.append(store.events, eventOf(core, type, emission));
}

function eventOf<T extends EventType>(
  core: Pick<Core, 'clock' | 'random'>,
  type: T,
  { subject, audience, object }: Emission<T>,
): Event {
  return {
    id: newId('event', core),
    type: type.name,
    subject,
    audience: [...new Set(audience.map((party) => party.id))],
    data: object,
    createdAt: new Date(core.clock.now()),
  };
}

/** Everything that happened to one subject, in the order of its happening. */
export function history(db: Queryable, { subject }: { subject: string }): Promise<Event[]> {
  return store.events.select(db, 'where subject = $1 order by sequence', [subject]);
}

/** The last that happened to one subject, newest first: all of it, or what some parties may be told. */
export function latest(
  db: Queryable,
  wanted: { subject: string; partyIds: readonly string[] | null; limit: number },
): Promise<Event[]> {
  return store.selectLatest(db, wanted);
}

/**
 * The next events after a position, each with its own. A reader that keeps the position of the last one it has dealt with is given
 * every event once, in an order that no late commit changes. An event is given as soon as every transaction that began before its
 * own has ended.
 * @param options.limit at most 1000
 */
export function read(
  db: Queryable,
  { after = START, limit }: { after?: EventPosition | undefined; limit: number },
): Promise<(Event & EventPosition)[]> {
  return store.selectAfter(db, after, Math.min(limit, MAX_READ));
}

/** The position of a reader that has read everything so far. */
export async function head(db: Queryable): Promise<EventPosition> {
  return (await store.selectHead(db)) ?? START;
}

/** The position of a reader that has read this event last; undefined when there is no such event. */
export function positionOf(
  db: Queryable,
  { eventId }: { eventId: string },
): Promise<EventPosition | undefined> {
  return store.selectPosition(db, eventId);
}

/** When the first event after a position was emitted; undefined when there is none. */
export function oldestAfter(db: Queryable, { after }: { after: EventPosition }): Promise<Date | undefined> {
  return store.selectOldestAfter(db, after);
}
