import type { Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { KeptUserKey } from './UserKey.js';

export const apiKeys = table<KeptUserKey>('api_keys', {
  id: 'text',
  userId: 'text',
  name: 'text',
  sealedKey: 'text',
  revokedAt: 'timestamptz',
  createdAt: 'timestamptz',
});

export async function countLive(db: Queryable, userId: string): Promise<number> {
  const [row] = await db.query<{ count: bigint }>(
    'select count(*) from api_keys where user_id = $1 and revoked_at is null',
    [userId],
  );
  return Number(row?.count ?? 0n);
}
