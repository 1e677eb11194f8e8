import type { Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { ExplorerInvite, ExplorerSession } from './Session.js';

export const sessions = table<ExplorerSession>('explorer_sessions', {
  id: 'text',
  agentId: 'text',
  walletId: 'text',
  createdAt: 'timestamptz',
  expiresAt: 'timestamptz',
});

export const invites = table<ExplorerInvite>('explorer_invites', {
  id: 'text',
  sessionId: 'text',
  hash: 'text',
  expiresAt: 'timestamptz',
  usesLeft: 'integer',
});

/** Uses an invite once more; undefined when it is unknown, used up or expired. */
export async function takeInvite(db: Queryable, hash: string, at: Date): Promise<ExplorerInvite | undefined> {
  const [invite] = await db.query<ExplorerInvite>(
    `update explorer_invites set uses_left = uses_left - 1
     where hash = $1 and uses_left > 0 and expires_at > $2 returning ${invites.columns}`,
    [hash, at],
  );
  return invite;
}

export async function countLive(db: Queryable, at: Date): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    'select count(*)::integer as n from explorer_sessions where expires_at > $1',
    [at],
  );
  return row?.n ?? 0;
}

export async function deleteExpired(db: Queryable, at: Date): Promise<number> {
  const rows = await db.query('delete from explorer_sessions where expires_at <= $1 returning 1', [at]);
  return rows.length;
}
