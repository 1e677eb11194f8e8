import { afterThisTurn } from './Clock.js';

/** Most members of one set. */
const MOST = 200;

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets what is asked for in one turn of the event loop, or while earlier sets are at work, be done as one set. `work` gives its results
 * in the order of the items; when it fails, all members fail.
 * @param atOnce sets at work at a time
 */
export function coalesce<T, R>(
  work: (items: readonly T[]) => Promise<readonly R[]>,
  atOnce = 1,
): (item: T) => Promise<R> {
  const queue: Waiting<T, R>[] = [];
  let scheduled = false;
  let atWork = 0;

  function schedule(): void {
    if (scheduled || atWork >= atOnce || queue.length === 0) return;
    scheduled = true;
    afterThisTurn(() => {
      scheduled = false;
      atWork += 1;
      void doSet(queue.splice(0, MOST)).finally(() => {
        atWork -= 1;
        schedule();
      });
      schedule();
    });
  }

  async function doSet(set: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await work(set.map(({ item }) => item));
      set.forEach(({ resolve }, i) => resolve(results[i] as R));
    } catch (error) {
      for (const { reject } of set) reject(error);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      schedule();
    });
}
