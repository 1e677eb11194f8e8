import type { Clock, Db, Queryable, Tx } from '@agentpay/primitives';
import type { JobReport } from './Job.js';
import type { Table } from './table.js';

/** An instance that has not written down an attempt by then has died. */
export const CLAIM_MS = 120_000;
const FIRST_WAIT_MS = 1_000;

/** Claims rows whose next attempt is due, each for one attempt; after `claimMs` somebody else may, should nothing be written down. */
export function claimDue<Row extends { readonly nextAttemptAt: Date | null; readonly attempts: number }>(
  { db, clock }: { readonly db: Queryable; readonly clock: Pick<Clock, 'now'> },
  { name, columns }: Table<Row>,
  { limit, claimMs = CLAIM_MS }: { limit: number; claimMs?: number },
): Promise<Row[]> {
  const nowMs = clock.now();
  return db.query<Row>(
    `update ${name} set next_attempt_at = $2, attempts = attempts + 1
     where id in (
       select id from ${name} where next_attempt_at <= $1 order by next_attempt_at limit $3 for update skip locked
     ) returning ${columns}`,
    [new Date(nowMs), new Date(nowMs + claimMs), limit],
  );
}

/** Makes one attempt of each, side by side, and names those that failed. */
export async function attemptAll<Row extends { readonly id: string }>(
  claimed: readonly Row[],
  attempt: (row: Row) => Promise<unknown>,
): Promise<{ done: number; failures: JobReport['failures'] }> {
  const results = await Promise.allSettled(claimed.map(attempt));
  const failures = results.flatMap((result, i) =>
    result.status === 'rejected'
      ? [{ subject: (claimed[i] as Row).id, error: result.reason as unknown }]
      : [],
  );
  return { done: claimed.length - failures.length, failures };
}

/**
 * Works rows that are due one after the other, each in a transaction of its own, until none is left or `most` are done. A row whose work
 * fails stays as it was, is named and passed over by this run, so that it holds up no other.
 * @throws what the database rejects with while the next row is looked for
 */
export async function oneByOne<Row extends { readonly id: string }, Outcome extends string>(
  { db }: { readonly db: Db },
  { most, next, work }: OneByOne<Row, Outcome>,
): Promise<{ done: Partial<Record<Outcome, number>>; failures: JobReport['failures'] }> {
  const done: Partial<Record<Outcome, number>> = {};
  const failures: { subject: string; error: unknown }[] = [];
  for (let worked = 0; worked < most && failures.length < most;) {
    const met: { row?: Row | undefined } = {};
    try {
      const outcome = await db.tx(async (tx) => {
        const failed = failures.map(({ subject }) => subject);
        met.row = await next(tx, failed);
        return met.row && work(tx, met.row);
      });
      if (outcome === undefined) break;
      done[outcome] = (done[outcome] ?? 0) + 1;
      worked += 1;
    } catch (error) {
      if (!met.row) throw error;
      failures.push({ subject: met.row.id, error });
    }
  }
  return { done, failures };
}

interface OneByOne<Row, Outcome> {
  readonly most: number;
  /** Locks the next row that is due and none of those. */
  readonly next: (tx: Tx, failed: readonly string[]) => Promise<Row | undefined>;
  /** What became of it. */
  readonly work: (tx: Tx, row: Row) => Promise<Outcome>;
}

/** The wait after so many attempts: a second, doubled each time. */
export function backOffMs(attempts: number, maxMs: number): number {
  return Math.min(maxMs, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 20));
}
