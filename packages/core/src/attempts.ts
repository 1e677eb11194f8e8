import type { Clock, Queryable } from '@agentpay/primitives';
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

/** The wait after so many attempts: a second, doubled each time. */
export function backOffMs(attempts: number, maxMs: number): number {
  return Math.min(maxMs, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 20));
}
