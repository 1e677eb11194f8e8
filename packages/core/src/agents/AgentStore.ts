import type { Queryable } from '@agentpay/primitives';
import type { Agent } from './Agent.js';

const COLUMNS = 'id, name, operator, created_at as "createdAt"';

export async function insertAgent(db: Queryable, agent: Agent): Promise<void> {
  await db.query('insert into agents (id, name, operator, created_at) values ($1, $2, $3, $4)', [
    agent.id,
    agent.name,
    agent.operator,
    agent.createdAt,
  ]);
}

export async function findAgent(db: Queryable, id: string): Promise<Agent | undefined> {
  const [agent] = await db.query<Agent>(`select ${COLUMNS} from agents where id = $1`, [id]);
  return agent;
}

/** Locks the agent's row until the transaction ends. */
export async function lockAgent(db: Queryable, id: string): Promise<Agent | undefined> {
  const [agent] = await db.query<Agent>(`select ${COLUMNS} from agents where id = $1 for no key update`, [
    id,
  ]);
  return agent;
}

/** The agent and those of its operator, oldest first. */
export function selectVisible(
  db: Queryable,
  viewer: Agent,
  page: { limit: number; offset: number },
): Promise<Agent[]> {
  return db.query<Agent>(
    `select ${COLUMNS} from agents where id = $1 or operator = $2 order by created_at, id limit $3 offset $4`,
    [viewer.id, viewer.operator, page.limit, page.offset],
  );
}

export async function countVisible(db: Queryable, viewer: Agent): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(
    'select count(*) from agents where id = $1 or operator = $2',
    [viewer.id, viewer.operator],
  );
  return Number(row?.count ?? 0n);
}
