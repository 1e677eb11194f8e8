import type { Queryable } from '@agentpay/primitives';

/** Rows that have not failed, or those that have and whose wait is over. */
export type Turn = 'first' | 'again';

/**
 * SQL that is true for the ids whose turn it is, to stand in the conditions of a job's own query, where `$1` is the time. Those that never
 * failed are found apart from the others, so that they wait for none of them.
 * @param job a name in the code, never from outside
 */
export function whoseTurn(job: string, turn: Turn, id = 'id'): string {
  const mine = `select 1 from setbacks where job = '${job}' and subject = ${id}`;
  return turn === 'first' ? `not exists (${mine})` : `exists (${mine} and next_attempt_at <= $1)`;
}

/** Those who keep failing wait for a second, then twice as long each time, up to a quarter of an hour. */
const WAIT = `least(interval '15 minutes', interval '1 second' * power(2, least(setbacks.attempts, 20)))`;

/** Notes that subjects could not be worked. What nobody has tried for a week is forgotten: somebody else ended it. */
export async function note(
  db: Queryable,
  { job, subjects, at }: { job: string; subjects: readonly string[]; at: Date },
): Promise<void> {
  if (subjects.length === 0) return;
  await db.query(
    `insert into setbacks select $1, subject, 1, $3::timestamptz + interval '1 second' from unnest($2::text[]) as subject
     on conflict (job, subject) do update
       set attempts = setbacks.attempts + 1, next_attempt_at = $3::timestamptz + ${WAIT}`,
    [job, [...new Set(subjects)].sort(), at],
  );
  await db.query(`delete from setbacks where next_attempt_at < $1::timestamptz - interval '7 days'`, [at]);
}

/** Forgets those of subjects that were worked after all. */
export async function clear(
  db: Queryable,
  { job, subjects }: { job: string; subjects: readonly string[] },
): Promise<void> {
  if (subjects.length > 0)
    await db.query('delete from setbacks where job = $1 and subject = any($2::text[])', [job, subjects]);
}
