import type { Db } from '@agentpay/primitives';
import { pgDb, pgliteDb } from '@agentpay/storage';
import { testDatabase } from '@agentpay/testing';

/** An empty database of the test's own, and what removes it. */
export async function freshDb(
  kind: 'PostgreSQL' | 'PGlite',
  max: number,
): Promise<{ db: Db; close(): Promise<void> }> {
  if (kind === 'PGlite') {
    const db = await pgliteDb();
    return { db, close: () => db.close() };
  }
  const database = await testDatabase();
  const db = pgDb({ url: database.url, max, connectTimeoutMs: 300_000 });
  return {
    db,
    async close() {
      await db.close();
      await database.drop();
    },
  };
}
