import type { Clock, Db, Migration } from '@agentpay/primitives';

/** The schema of the server's own tables. */
export const leaseMigration: Migration = {
  name: 'server/001-job-leases',
  sql: `create table job_leases (
    name text primary key,
    held_until timestamptz not null
  )`,
};

/**
 * Runs `work` on one node of all that share the database, at most once per `periodMs`. The lease is a row rather than an
 * advisory lock, because a lock would pin a connection for the whole run, and the embedded database has only one.
 * A node that dies while it works keeps the others out for `leaseMs`.
 * @returns whether this node ran it
 */
export async function underLease(
  { db, clock }: { db: Db; clock: Clock },
  { name, periodMs, leaseMs }: { name: string; periodMs: number; leaseMs: number },
  work: () => Promise<void>,
): Promise<boolean> {
  const started = clock.now();
  const taken = await db.query(
    `insert into job_leases as lease (name, held_until) values ($1, $2)
     on conflict (name) do update set held_until = excluded.held_until where lease.held_until <= $3
     returning name`,
    [name, new Date(started + leaseMs), new Date(started)],
  );
  if (taken.length === 0) return false;
  try {
    await work();
  } finally {
    await db.query('update job_leases set held_until = $2 where name = $1', [
      name,
      new Date(started + periodMs),
    ]);
  }
  return true;
}
