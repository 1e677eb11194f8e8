import type { Db } from '@agentpay/primitives';
import { Redis } from 'ioredis';

const DEADLINES = 'agentpay:{tokens}:deadlines';

/** The time of all tokens that are open is over, as the database says, and as Redis says, if there is one, of those that it knows. */
export async function letTimePass(db: Db, redisUrl?: string): Promise<void> {
  await db.query(
    `update payment_tokens set deadline = date_trunc('milliseconds', now()) where deadline is not null`,
  );
  if (redisUrl === undefined) return;
  const client = new Redis(redisUrl);
  const known = await client.zrange(DEADLINES, '0', '-1');
  for (const id of known) await client.zadd(DEADLINES, 'XX', '0', id);
  await client.quit();
}
