import type { Queryable } from '@agentpay/primitives';
import type { Page } from '../Page.js';
import { table } from '../table.js';
import type { Agent } from './Agent.js';

export const agents = table<Agent>('agents', {
  id: 'text',
  name: 'text',
  operator: 'text',
  groupId: 'text',
  createdAt: 'timestamptz',
});

/** The agents of a group, oldest first, and how many there are. */
export function listGroup(
  db: Queryable,
  groupId: string,
  wanted: Page,
): Promise<{ rows: Agent[]; total: number }> {
  return agents.page(db, { where: 'group_id = $1', params: [groupId], orderBy: 'created_at, id', ...wanted });
}
