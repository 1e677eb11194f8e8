import type { StreamedEvent } from '@agentpay/api';
import { events, type Core } from '@agentpay/core';
import { AgentPayError, repeat, sleep } from '@agentpay/primitives';
import type { Logger } from '@agentpay/http';

/** Streams at once on one instance, and of one party. */
const MOST_STREAMS = 1_000;
const MOST_OF_PARTY = 10;
/** Events that wait for a slow listener; beyond that its stream ends, and it comes back with the last it had. */
const MOST_WAITING = 1_000;
const PAGE = 500;
const EVERY_MS = 500;
/** How far back a listener may ask. */
const OLDEST_MS = 24 * 60 * 60 * 1000;

type Told = events.Event & events.EventPosition;

/** Who listens on this instance. */
interface Listener {
  readonly partyId: string;
  readonly waiting: Told[];
  ended: boolean;
  /** Aborted when something is there for the listener. */
  bell: AbortController;
}

/** What is listened to. */
export interface StreamRequest {
  readonly partyId: string;
  /** The last event that the listener has had; from now on when absent. */
  readonly after?: string | undefined;
  /** After how many seconds it ends; 0: as soon as everything is told that has happened. */
  readonly seconds: number;
}

/** Events of the outbox as they happen, on whichever instance. */
export interface EventStreams {
  /**
   * Events that concern a party, in the order of the outbox. Nothing is left out between two streams of which the second names the last
   * event of the first.
   * @throws AgentPayError `rate_limited` beyond 10 streams of a party, `unavailable` beyond 1000 or when the process ends,
   * `invalid_request` for an event that is unknown or a day old
   */
  open(listening: StreamRequest): Promise<AsyncIterable<StreamedEvent>>;
  /** Ends every stream; no other begins. */
  stop(): void;
}

interface State {
  readonly core: Core;
  readonly log: Logger;
  readonly listeners: Set<Listener>;
  /** Up to where the outbox is read for all listeners; undefined: nobody listens. */
  position: Promise<events.EventPosition> | undefined;
  reading: { stop(): Promise<void> } | undefined;
  closed: boolean;
}

/** The streams of this instance: the outbox is read once for all of them, twice a second, while somebody listens. */
export function eventStreams(core: Core, log: Logger): EventStreams {
  const listeners = new Set<Listener>();
  const state: State = { core, log, listeners, position: undefined, reading: undefined, closed: false };
  return {
    open: (listening) => open(state, listening),
    stop() {
      state.closed = true;
      for (const listener of listeners) end(listener);
    },
  };
}

async function open(state: State, listening: StreamRequest): Promise<AsyncIterable<StreamedEvent>> {
  const after = await positionAfter(state.core, listening.after);
  const { listeners, closed } = state;
  const { partyId } = listening;
  if (closed || listeners.size >= MOST_STREAMS)
    throw new AgentPayError('unavailable', 'No more streams are served here.', { retryAfter: 5 });
  if ([...listeners].filter((one) => one.partyId === partyId).length >= MOST_OF_PARTY)
    throw new AgentPayError('rate_limited', `There are ${MOST_OF_PARTY} streams already.`, {
      retryAfter: 30,
    });
  const listener: Listener = { partyId, waiting: [], ended: false, bell: new AbortController() };
  listeners.add(listener);
  try {
    // Whoever comes first finds out where to begin. What happens after a listener was let in waits with it, also before it listens.
    await (state.position ??= begin(state));
  } catch (error) {
    leave(state, listener);
    throw error;
  }
  const told = follow(state, listener, { after, seconds: listening.seconds });
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => told.next(),
      async return() {
        end(listener);
        leave(state, listener);
        return told.return(undefined);
      },
    }),
  };
}

async function positionAfter(
  core: Core,
  eventId: string | undefined,
): Promise<events.EventPosition | undefined> {
  if (eventId === undefined) return undefined;
  const event = await events.get(core.db, { eventId }).catch(() => undefined);
  if (event && event.createdAt.getTime() > core.clock.now() - OLDEST_MS)
    return events.positionOf(core.db, { eventId });
  throw new AgentPayError('invalid_request', 'There is no such event of the last day.', { param: 'after' });
}

/** First what the listener missed, then what happens. */
async function* follow(
  state: State,
  listener: Listener,
  { after, seconds }: { after: events.EventPosition | undefined; seconds: number },
): AsyncGenerator<StreamedEvent, undefined> {
  const { core } = state;
  const until = core.clock.now() + seconds * 1000;
  try {
    let position = after;
    for (let full = position !== undefined; full && !listener.ended;) {
      const page = await events.read(core.db, { after: position, limit: PAGE });
      for (const event of page.filter(({ audience }) => audience.includes(listener.partyId)))
        yield shown(event);
      position = page.at(-1) ?? position;
      full = page.length === PAGE;
    }
    for (;;) {
      for (const event of listener.waiting.splice(0))
        if (!position || isAfter(event, position)) yield shown(event);
      const left = until - core.clock.now();
      if (listener.ended || left <= 0) return;
      if (listener.waiting.length === 0) await sleep(core.clock, left, listener.bell.signal);
      listener.bell = new AbortController();
    }
  } finally {
    leave(state, listener);
  }
}

/** Begins to read for all. */
function begin(state: State): Promise<events.EventPosition> {
  const { core, log } = state;
  // It goes on where the head could not be read while others were coming.
  state.reading ??= repeat(core.clock, EVERY_MS, () =>
    readOn(state).catch((error: unknown) => log.error({ job: 'streams', err: error }, 'job failed')),
  );
  const position = events.head(core.db);
  // The next who listens tries again.
  position.catch(() => {
    if (state.position === position) state.position = undefined;
  });
  return position;
}

async function readOn(state: State): Promise<void> {
  for (let full = true; full && state.position;) {
    const from = state.position;
    const page = await events.read(state.core.db, { after: await from, limit: PAGE });
    const last = page.at(-1);
    // Everybody may have left meanwhile, and others have come.
    if (!last || state.position !== from) return;
    state.position = Promise.resolve(last);
    for (const event of page) for (const listener of state.listeners) hand(listener, event);
    full = page.length === PAGE;
  }
}

function hand(listener: Listener, event: Told): void {
  if (!event.audience.includes(listener.partyId)) return;
  if (listener.waiting.length >= MOST_WAITING) return end(listener);
  listener.waiting.push(event);
  listener.bell.abort();
}

function end(listener: Listener): void {
  listener.ended = true;
  listener.bell.abort();
}

function leave(state: State, listener: Listener): void {
  state.listeners.delete(listener);
  if (state.listeners.size > 0) return;
  void state.reading?.stop();
  state.reading = undefined;
  state.position = undefined;
}

function isAfter(a: events.EventPosition, b: events.EventPosition): boolean {
  const [x, y] = [BigInt(a.transaction), BigInt(b.transaction)];
  return x > y || (x === y && a.sequence > b.sequence);
}

/** As webhooks are told of it. */
function shown({ id, type, createdAt, data }: Told): StreamedEvent {
  return { id, type, created: createdAt.toISOString(), data: { object: data } };
}
