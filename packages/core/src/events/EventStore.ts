import type { Queryable } from '@agentpay/primitives';
import type { Event } from './Event.js';

export async function insertEvent(db: Queryable, event: Event): Promise<void> {
  await db.query(
    'insert into events (id, type, subject, data, created_at) values ($1, $2, $3, $4::jsonb, $5)',
    [event.id, event.type, event.subject, JSON.stringify(event.data), event.createdAt],
  );
}

export function selectEvents(db: Queryable, subject: string): Promise<Event[]> {
  return db.query<Event>(
    'select id, type, subject, data, created_at as "createdAt" from events where subject = $1 order by sequence',
    [subject],
  );
}
