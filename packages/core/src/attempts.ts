import type { JobReport } from './Job.js';

/** An instance that has not written down an attempt by then has died. */
export const CLAIM_MS = 120_000;
const FIRST_WAIT_MS = 1_000;

/** Makes one attempt of each, side by side, and names those that failed. */
export async function attemptAll<Row extends { readonly id: string }>(
  claimed: readonly Row[],
  attempt: (row: Row) => Promise<void>,
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
