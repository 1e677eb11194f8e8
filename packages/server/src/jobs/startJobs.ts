import type { Core, Job, JobReport } from '@agentpay/core';
import PgBoss from 'pg-boss';
import type { Logger } from '@agentpay/http';
import { bossDb } from './bossDb.js';
import { DEAD, POLICY, SCHEMA } from './schema.js';

/** How often an instance looks for work that is due, and for what the schedules make due, in seconds. */
const POLL_SECONDS = 5;
/** A job that throws is tried again, each time after a longer pause; then it is dead. */
const RETRIES = { retryLimit: 4, retryDelay: 5, retryBackoff: true };
const STOP_MS = 10_000;

/** Sees every run of a job. */
export type AroundJob = (name: string, work: () => Promise<JobReport>) => Promise<JobReport>;

/** The jobs of an instance. */
export interface RunningJobs {
  /** Has a job run as soon as an instance is free, whatever its schedule says. */
  request(name: string): Promise<void>;
  /** No other run begins; those under way have ten seconds to end, and are run again later when they do not. */
  stop(): Promise<void>;
}

export interface JobOptions {
  readonly jobs: readonly Job[];
  readonly log: Logger;
  readonly around?: AroundJob;
  /** What a job that throws is repeated by; for tests. */
  readonly retries?: {
    readonly retryLimit: number;
    readonly retryDelay: number;
    readonly retryBackoff: boolean;
  };
  /** For tests. */
  readonly pollSeconds?: number;
}

/**
 * Runs the declared jobs with pg-boss: each is run by one instance at a time of all that share the database, at the times of its
 * schedule. Runs that fail are repeated, and go to the queue `dead` when that does not help.
 */
export async function startJobs(core: Core, options: JobOptions): Promise<RunningJobs> {
  const { log, pollSeconds = POLL_SECONDS } = options;
  const db = bossDb(core.db, (error) => log.warn({ err: error }, 'the end of a job was not written down'));
  const boss = new PgBoss({
    db,
    schema: SCHEMA,
    migrate: false,
    cronMonitorIntervalSeconds: POLL_SECONDS,
    cronWorkerIntervalSeconds: Math.max(1, pollSeconds),
    archiveCompletedAfterSeconds: 3600,
    deleteAfterDays: 7,
  });
  boss.on('error', (error) => log.warn({ err: error }, 'a step of the jobs failed and will be repeated'));
  const stop = async (stopping: PgBoss.StopOptions): Promise<void> => {
    await boss.stop(stopping).finally(() => db.close());
  };
  try {
    await boss.start();
    await takeUp(boss, core, { ...options, pollSeconds });
  } catch (error) {
    // What was taken up already would go on with a database that is closed now, and be told of in place of this.
    await stop({ graceful: false }).catch(() => undefined);
    throw error;
  }
  return {
    async request(name) {
      await boss.send(name, { job: name });
    },
    stop: () => stop({ graceful: true, wait: true, timeout: STOP_MS }),
  };
}

/** Has each job done by this instance, and told of when it is given up. */
async function takeUp(boss: PgBoss, core: Core, options: JobOptions): Promise<void> {
  const { jobs, log, retries = RETRIES, around = (_name, work) => work() } = options;
  const polling = { pollingIntervalSeconds: options.pollSeconds ?? POLL_SECONDS };
  await boss.work<{ job: string }>(DEAD, polling, async ([dead]) => {
    log.error({ job: dead?.data.job }, 'job given up');
  });
  for (const job of jobs) {
    const { name, cron, timeoutSeconds } = job;
    const queue = { name, policy: POLICY, expireInSeconds: timeoutSeconds, deadLetter: DEAD, ...retries };
    await boss.updateQueue(name, queue as PgBoss.Queue);
    await boss.schedule(name, cron, { job: name });
    await boss.work(name, polling, async () =>
      report(name, await around(name, () => run(job, core, log)), log),
    );
  }
}

async function run(job: Job, core: Core, log: Logger): Promise<JobReport> {
  try {
    return await job.run(core);
  } catch (error) {
    log.error({ job: job.name, err: error }, 'job failed');
    throw error;
  }
}

/** Logs what a run did, unless that is nothing. */
export function report(job: string, { done, failures }: JobReport, log: Logger): void {
  for (const { subject, error } of failures)
    log.error({ job, subject, err: error }, 'job left something undone');
  if (Object.values(done).some((count) => count > 0)) log.info({ job, ...done }, 'job done');
}
