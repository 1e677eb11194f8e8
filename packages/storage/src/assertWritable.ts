import type { Db } from '@agentpay/primitives';

/**
 * Whether the database takes writes: a server that was a primary once answers reads for as long as it is asked. Locks a row of the
 * migrations for a moment and changes nothing.
 * @throws what the database rejects with
 */
export async function assertWritable(db: Db): Promise<void> {
  await db.tx((tx) => tx.query('select name from migrations limit 1 for update skip locked'));
}
