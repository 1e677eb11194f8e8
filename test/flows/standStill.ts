import type { Db } from '@agentpay/primitives';

/** Surrounds what changes something outside of the process. */
export type Around = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Lets so many effects happen; from then on nothing happens any more, and nobody is answered.
 * @param onStop called once, when the last effect has happened
 */
export function standStill(after: number, onStop: () => void): Around {
  let effects = 0;
  const forever = () => new Promise<never>(() => undefined);
  return async (work) => {
    if (effects >= after) return forever();
    const result = await work();
    if (++effects < after) return result;
    onStop();
    return forever();
  };
}

/** A database whose transactions and statements that write are effects. */
export function changesOf(db: Db, around: Around): Db {
  return {
    ...db,
    query: (sql, params, options) =>
      /^\s*select\b/i.test(sql)
        ? db.query(sql, params, options)
        : around(() => db.query(sql, params, options)),
    tx: (work, options) => around(() => db.tx(work, options)),
  };
}
