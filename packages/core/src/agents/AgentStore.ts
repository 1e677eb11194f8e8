import type { Queryable } from '@agentpay/primitives';
import type { Page } from '../Page.js';
import { table } from '../table.js';
import type { Agent } from './Agent.js';

export const agents = table<Agent>('agents', {
  id: 'text',
  name: 'text',
  operator: 'text',
  createdAt: 'timestamptz',
});

/** The agent and those of its operator, oldest first. */
export function listVisible(db: Queryable, viewer: Agent, { limit, offset }: Page): Promise<Agent[]> {
  return agents.select(db, 'where id = $1 or operator = $2 order by created_at, id limit $3 offset $4', [
    viewer.id,
    viewer.operator,
    limit,
    offset,
  ]);
}

export async function countVisible(db: Queryable, viewer: Agent): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(
    'select count(*) from agents where id = $1 or operator = $2',
    [viewer.id, viewer.operator],
  );
  return Number(row?.count ?? 0n);
}
