import type { Job } from '@agentpay/core';
import type { Migration } from '@agentpay/primitives';
import PgBoss from 'pg-boss';

/** Where pg-boss keeps its tables. */
export const SCHEMA = 'pgboss';
/** The queue of jobs that were tried often enough. */
export const DEAD = 'dead';
/** The queue over which pg-boss hands out what cron has made due. */
const DUE = '__pgboss__send-it';

/** The schema of pg-boss and a queue for every job, so that an instance needs no right to create tables when it runs. */
export function jobMigrations(jobs: readonly Job[]): Migration[] {
  const queue = (name: string, policy: string): Migration => ({
    name: `server/jobs-queue-${name}`,
    sql: `select ${SCHEMA}.create_queue('${name}', '{"policy": "${policy}"}')`,
  });
  return [
    { name: 'server/jobs-1', sql: withoutTransaction(PgBoss.getConstructionPlans(SCHEMA)) },
    queue(DUE, 'standard'),
    queue(DEAD, 'standard'),
    ...jobs.map(({ name }) => queue(name, POLICY)),
  ];
}

/** Of each job one run is under way and one waits, at most, in all instances together. */
export const POLICY = 'stately';

/** Migrations run in a transaction already, under a lock of their own. */
function withoutTransaction(sql: string): string {
  return sql.replace(/^\s*BEGIN;/, '').replace(/COMMIT;\s*$/, '');
}
