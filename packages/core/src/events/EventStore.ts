import type { Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { Event, EventPosition } from './Event.js';

export const events = table<Event>('events', {
  id: 'text',
  type: 'text',
  subject: 'text',
  audience: 'text[]',
  data: 'json',
  createdAt: 'timestamptz',
});

/**
 * Events after a position, in the order of the transactions that wrote them. One whose transaction is older than all that are under
 * way can have no late neighbour in front of it; the others are left for the next reading.
 */
export function selectAfter(
  db: Queryable,
  { transaction, sequence }: EventPosition,
  limit: number,
): Promise<(Event & EventPosition)[]> {
  return db.query(
    `select ${events.columns}, transaction::text as transaction, sequence from events
     where (transaction, sequence) > ($1::xid8, $2::bigint) and transaction < pg_snapshot_xmin(pg_current_snapshot())
     order by events.transaction, sequence limit $3`,
    [transaction, sequence, limit],
  );
}

/** The last events of one subject, newest first; null: whoever may be told. */
export function selectLatest(
  db: Queryable,
  { subject, partyIds, limit }: { subject: string; partyIds: readonly string[] | null; limit: number },
): Promise<Event[]> {
  const told = partyIds === null ? '$2::text[] is null' : 'audience && $2::text[]';
  return events.select(db, `where subject = $1 and ${told} order by sequence desc limit $3`, [
    subject,
    partyIds === null ? null : [...partyIds],
    limit,
  ]);
}

/** Where a reader stands that has read everything so far; undefined: nothing has happened yet. */
export async function selectHead(db: Queryable): Promise<EventPosition | undefined> {
  const [last] = await db.query<EventPosition>(
    `select transaction::text as transaction, sequence from events
     where transaction < pg_snapshot_xmin(pg_current_snapshot())
     order by events.transaction desc, sequence desc limit 1`,
  );
  return last;
}

/** Where a reader stands that has read this event last. */
export async function selectPosition(db: Queryable, id: string): Promise<EventPosition | undefined> {
  const [found] = await db.query<EventPosition>(
    'select transaction::text as transaction, sequence from events where id = $1',
    [id],
  );
  return found;
}

/** When the first event after a position was emitted. */
export async function selectOldestAfter(
  db: Queryable,
  { transaction, sequence }: EventPosition,
): Promise<Date | undefined> {
  const [row] = await db.query<{ createdAt: Date }>(
    `select created_at as "createdAt" from events where (transaction, sequence) > ($1::xid8, $2::bigint)
     order by events.transaction, sequence limit 1`,
    [transaction, sequence],
  );
  return row?.createdAt;
}
