import { newId, type Queryable, type Random, type SqlValue } from '@agentpay/primitives';
import type { Counted, Page } from '../Page.js';
import { column } from '../columns.js';
import { table } from '../table.js';
import type { LoggedRequest } from './LoggedRequest.js';

const requests = table<LoggedRequest>('kept_requests', {
  id: 'text',
  requestId: 'text',
  at: 'timestamptz',
  partyId: 'text',
  credentialId: 'text',
  method: 'text',
  path: 'text',
  endpoint: 'text',
  status: 'integer',
  error: 'text',
  durationMs: 'integer',
  made: 'text[]',
  named: 'text[]',
});

const fields = Object.entries(requests.fields);
const read = fields.map(([name, type]) => `"${name}" ${type}`).join(', ');
const written = `insert into kept_requests (${fields.map(([name]) => column(name)).join(', ')})
  select ${fields.map(([name]) => `"${name}"`).join(', ')} from json_to_recordset($1::json) as r (${read})
  on conflict do nothing`;

/** Writes all of them in one statement; those that are there already stay. As JSON they cost half of what arrays of their columns do. */
export async function insertAll(db: Queryable, kept: readonly LoggedRequest[]): Promise<void> {
  await db.query(written, [JSON.stringify(kept)]);
}

export interface RequestFilter {
  /** Sent by one of these; null: by anybody. */
  readonly partyIds: readonly string[] | null;
  /** That made this, or named it in the path. */
  readonly objectId?: string | undefined;
  /** Under this name. */
  readonly requestId?: string | undefined;
  /** Refused ones or others only. */
  readonly refused?: boolean | undefined;
}

/** Newest first. */
export async function selectRequests(
  db: Queryable,
  filter: RequestFilter,
  wanted: Page,
): Promise<{ requests: LoggedRequest[] } & Counted> {
  const { text: where, params } = conditionOf(filter);
  const { rows, ...counted } = await requests.page(db, {
    where,
    params,
    order: { by: ['id'], descending: true },
    ...wanted,
  });
  return { requests: rows, ...counted };
}

/** The first request that made something. */
export async function findMaker(
  db: Queryable,
  partyIds: readonly string[] | null,
  objectId: string,
): Promise<LoggedRequest | undefined> {
  const { text, params } = conditionOf({ partyIds });
  const made = `made @> array[$${params.push(objectId)}::text]`;
  const [first] = await requests.select(db, `where ${text} and ${made} order by id limit 1`, params);
  return first;
}

export async function findRequest(
  db: Queryable,
  partyIds: readonly string[] | null,
  id: string,
): Promise<LoggedRequest | undefined> {
  const { text, params } = conditionOf({ partyIds });
  const [found] = await requests.select(db, `where ${text} and id = $${params.push(id)}`, params);
  return found;
}

/** Deletes the oldest ones from before a moment, and says how many. */
export async function deleteBefore(
  db: Queryable,
  { beforeMs, limit, random }: { beforeMs: number; limit: number; random: Random },
): Promise<number> {
  const bound = newId('request', { clock: { now: () => beforeMs, timer: () => () => undefined }, random });
  const rows = await db.query(
    `delete from kept_requests where id in (
       select id from kept_requests where id < $1 order by id limit $2 for update skip locked
     ) returning 1`,
    [bound, limit],
  );
  return rows.length;
}

function conditionOf({ partyIds, objectId, requestId, refused }: RequestFilter): {
  text: string;
  params: SqlValue[];
} {
  const params: SqlValue[] = [];
  const terms: string[] = [];
  // One party's are read in their order; an index has no order across several.
  if (partyIds?.length === 1) terms.push(`party_id = $${params.push(partyIds[0] as string)}`);
  else if (partyIds !== null)
    terms.push(`party_id in (select * from unnest($${params.push([...partyIds])}::text[]))`);
  if (objectId !== undefined) {
    const place = `array[$${params.push(objectId)}::text]`;
    terms.push(`(made @> ${place} or named @> ${place})`);
  }
  if (requestId !== undefined) {
    const place = `$${params.push(requestId)}`;
    terms.push(`(id = ${place} or (request_id = ${place} and request_id <> id))`);
  }
  if (refused !== undefined) terms.push(refused ? 'status >= 400' : 'status < 400');
  return { text: terms.join(' and ') || 'true', params };
}
