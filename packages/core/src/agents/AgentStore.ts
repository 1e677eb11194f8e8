import type { Queryable } from '@agentpay/primitives';
import { lookUp } from '../lookUp.js';
import { newestFirst } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import { table } from '../table.js';
import type { Agent } from './Agent.js';

export const agents = table<Agent>('agents', {
  id: 'text',
  name: 'text',
  operator: 'text',
  groupId: 'text',
  ownerId: 'text',
  archivedAt: 'timestamptz',
  createdAt: 'timestamptz',
});

/** The agent with an id: every payment makes this look-up. */
export const findById = lookUp<Agent>(
  (db, ids) => agents.select(db, 'where id in (select * from unnest($1::text[]))', [ids]),
  ({ id }) => id,
);

/** The agents of a user, newest first, and how many there are. */
export function listOwned(
  db: Queryable,
  ownerId: string,
  wanted: Page,
): Promise<{ rows: Agent[] } & Counted> {
  const order = newestFirst;
  return agents.page(db, { where: 'owner_id = $1', params: [ownerId], order, ...wanted });
}

/** Ids of the agents of a user. */
export async function idsOwned(db: Queryable, ownerId: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>('select id from agents where owner_id = $1', [ownerId]);
  return rows.map(({ id }) => id);
}

/** The agents of a group, oldest first, and how many there are. */
export function listGroup(
  db: Queryable,
  groupId: string,
  wanted: Page,
): Promise<{ rows: Agent[] } & Counted> {
  return agents.page(db, {
    where: 'group_id = $1',
    params: [groupId],
    order: { by: ['createdAt', 'id'] },
    ...wanted,
  });
}
