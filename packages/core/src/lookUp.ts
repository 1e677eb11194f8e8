import { afterThisTurn } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';

/** Keys that one statement looks up. */
const MOST = 200;
/** Statements at work at once on one database. */
const AT_ONCE = 2;

interface Waiting<Row> {
  readonly key: string;
  readonly resolve: (row: Row | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue<Row> {
  readonly waiting: Waiting<Row>[];
  scheduled: boolean;
  atWork: number;
}

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
  const queues = new WeakMap<Queryable, Queue<Row>>();

  function schedule(db: Queryable, queue: Queue<Row>): void {
    if (queue.scheduled || queue.atWork >= AT_ONCE || queue.waiting.length === 0) return;
    queue.scheduled = true;
    afterThisTurn(() => {
      queue.scheduled = false;
      queue.atWork += 1;
      void answer(db, queue.waiting.splice(0, MOST)).finally(() => {
        queue.atWork -= 1;
        schedule(db, queue);
      });
      schedule(db, queue);
    });
  }

  async function answer(db: Queryable, asked: readonly Waiting<Row>[]): Promise<void> {
    try {
      const rows = await select(db, [...new Set(asked.map(({ key }) => key))]);
      const byKey = new Map(rows.map((row) => [keyOf(row), row]));
      for (const { key, resolve } of asked) resolve(byKey.get(key));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  return (db, key) =>
    new Promise((resolve, reject) => {
      let queue = queues.get(db);
      if (!queue) queues.set(db, (queue = { waiting: [], scheduled: false, atWork: 0 }));
      queue.waiting.push({ key, resolve, reject });
      schedule(db, queue);
    });
}
