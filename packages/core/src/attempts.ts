import type { Clock, Db, Queryable, Tx } from '@agentpay/primitives';
import type { JobReport } from './Job.js';
import { clear, note, whoseTurn } from './setbacks/index.js';
import type { Turn } from './setbacks/index.js';
import type { Table } from './table.js';

/** An instance that has not written down an attempt by then has died. */
export const CLAIM_MS = 120_000;
const FIRST_WAIT_MS = 1_000;

/**
 * Claims rows whose next attempt is due, each for one attempt; after `claimMs` somebody else may, should nothing be written down.
 * @param options.which condition that narrows them down; in it $1 is the time
 */
export function claimDue<Row extends { readonly nextAttemptAt: Date | null; readonly attempts: number }>(
  { db, clock }: { readonly db: Queryable; readonly clock: Pick<Clock, 'now'> },
  { name, columns }: Table<Row>,
  { limit, claimMs = CLAIM_MS, which = 'true' }: { limit: number; claimMs?: number; which?: string },
): Promise<Row[]> {
  const nowMs = clock.now();
  return db.query<Row>(
    `update ${name} set next_attempt_at = $2, attempts = attempts + 1
     where id in (
       select id from ${name} where next_attempt_at <= $1 and ${which}
       order by next_attempt_at limit $3 for update skip locked
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
 * {@link attemptAll} of rows that are due, at most `limit` of those that have not failed and as many of those that have and whose wait is
 * over: no number of rows that cannot be worked holds up the others.
 */
export async function attemptDue<Row extends { readonly id: string }>(
  { db, clock }: Needs,
  { job, limit, due, attempt }: DueAttempts<Row>,
): Promise<{ done: number; failures: JobReport['failures'] }> {
  const { select, where, order } = due;
  const turns = (['first', 'again'] as const).map(
    (turn) => `(${select} where ${where} and ${whoseTurn(job, turn)} order by ${order} limit $2)`,
  );
  const rows = await db.query<Row>(turns.join(' union all '), [new Date(clock.now()), limit]);
  const report = await attemptAll(rows, attempt);
  const failed = report.failures.map(({ subject }) => subject);
  await note(db, { job, subjects: failed, at: new Date(clock.now()) });
  await clear(db, { job, subjects: rows.map(({ id }) => id).filter((id) => !failed.includes(id)) });
  return report;
}

type Needs = { readonly db: Db; readonly clock: Pick<Clock, 'now'> };

interface DueAttempts<Row> {
  /** The name under which failures are kept; for ever the same. */
  readonly job: string;
  readonly limit: number;
  readonly due: DueRows;
  readonly attempt: (row: Row) => Promise<unknown>;
}

/** SQL of what is due: `select id, … from …`, the condition, in which `$1` is the time, and which go first. */
export interface DueRows {
  readonly select: string;
  readonly where: string;
  readonly order: string;
}

/**
 * Works rows that are due one after the other, each in a transaction of its own: those that have not failed, then those that have and whose
 * wait is over, `most` of each. A row whose work fails stays as it was, is named, and waits longer each time: no number of rows that
 * cannot be worked holds up the others.
 * @throws what the database rejects with while the next row is looked for
 */
export async function oneByOne<Row extends { readonly id: string }, Outcome extends string>(
  needs: Needs,
  work: OneByOne<Row, Outcome>,
): Promise<{ done: Partial<Record<Outcome, number>>; failures: JobReport['failures'] }> {
  const report: Worked<Outcome> = { done: {}, failures: [] };
  for (const turn of ['first', 'again'] as const)
    for (let left = work.most; left > 0; left--) if (!(await workNext(needs, work, turn, report))) break;
  return report;
}

interface Worked<Outcome extends string> {
  readonly done: Partial<Record<Outcome, number>>;
  readonly failures: { subject: string; error: unknown }[];
}

/** False when there was no row whose turn it is. */
async function workNext<Row extends { readonly id: string }, Outcome extends string>(
  { db, clock }: Needs,
  { job, next, work }: OneByOne<Row, Outcome>,
  turn: Turn,
  { done, failures }: Worked<Outcome>,
): Promise<boolean> {
  const met: { row?: Row | undefined } = {};
  try {
    const outcome = await db.tx(async (tx) => {
      met.row = await next(tx, { turn, isDue: whoseTurn(job, turn) });
      if (!met.row) return undefined;
      if (turn === 'again') await clear(tx, { job, subjects: [met.row.id] });
      return work(tx, met.row);
    });
    if (outcome === undefined) return false;
    done[outcome] = (done[outcome] ?? 0) + 1;
  } catch (error) {
    if (!met.row) throw error;
    failures.push({ subject: met.row.id, error });
    await note(db, { job, subjects: [met.row.id], at: new Date(clock.now()) });
  }
  return true;
}

/** Those rows for which the SQL `isDue` is true, where `$1` is the time. */
export interface WhoseTurn {
  readonly turn: Turn;
  readonly isDue: string;
}

interface OneByOne<Row, Outcome> {
  /** The name under which failures are kept; for ever the same. */
  readonly job: string;
  readonly most: number;
  /** Locks the next row that is due. */
  readonly next: (tx: Tx, whose: WhoseTurn) => Promise<Row | undefined>;
  /** What became of it. */
  readonly work: (tx: Tx, row: Row) => Promise<Outcome>;
}

/** The wait after so many attempts: a second, doubled each time. */
export function backOffMs(attempts: number, maxMs: number): number {
  return Math.min(maxMs, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 20));
}
