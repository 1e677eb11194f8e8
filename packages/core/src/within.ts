import type { Db, Tx } from '@agentpay/primitives';
import type { Core } from './Core.js';

/**
 * Runs `work` with a core whose database is the open transaction: every transaction that an operation opens is part of it.
 * When one of them fails the whole fails, whatever `work` makes of the error: a part cannot be rolled back alone.
 */
export async function within<T>(core: Core, tx: Tx, work: (core: Core) => Promise<T>): Promise<T> {
  let failure: { error: unknown } | undefined;
  const db: Db = {
    query: (sql, params) => tx.query(sql, params),
    exec: (sql) => tx.exec(sql),
    async tx(fn) {
      try {
        return await fn(tx);
      } catch (error) {
        failure ??= { error };
        throw error;
      }
    },
    close: () => Promise.reject(new Error('A transaction is not closed by what runs in it.')),
  };
  const { runIn } = core.batch;
  const result = await work({ ...core, db, batch: { runIn, run: (command) => runIn(tx, command) } });
  if (failure) throw failure.error;
  return result;
}
