import { coalesce, type Queryable } from '@agentpay/primitives';

/** Statements at work at once on one database. */
const AT_ONCE = 2;

/**
 * Finds rows by a key that names one. What is asked for in one turn of the event loop, or while others are at work, is found by one
 * statement; it begins after all of them have asked, so that nobody is given what was there before.
 *
 * @param select the rows with one of these keys
 */
export function lookUp<Row>(
  select: (db: Queryable, keys: readonly string[]) => Promise<readonly Row[]>,
  keyOf: (row: Row) => string,
): (db: Queryable, key: string) => Promise<Row | undefined> {
  type Find = (key: string) => Promise<Row | undefined>;
  const finds = new WeakMap<Queryable, Find>();
  const findIn = (db: Queryable): Find =>
    coalesce(async (keys) => {
      const rows = await select(db, [...new Set(keys)]);
      const byKey = new Map(rows.map((row) => [keyOf(row), row]));
      return keys.map((key) => byKey.get(key));
    }, AT_ONCE);
  return (db, key) => {
    let find = finds.get(db);
    if (!find) finds.set(db, (find = findIn(db)));
    return find(key);
  };
}
