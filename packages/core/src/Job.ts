import type { Core } from './Core.js';

/** What a run did: how many of what, and what could not be done. Work that failed is met again by the next run. */
export interface JobReport {
  readonly done: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly subject: string; readonly error: unknown }[];
}

/** Work that is done again and again, by one instance of all that share the database. Declared in the `jobs.ts` of a slice. */
export interface Job {
  /** "sla.cleanup"; for ever the same. */
  readonly name: string;
  /** When it runs, in cron's notation and UTC. Minutes are the finest step. */
  readonly cron: string;
  /** Longest that a run may take; after that another one may begin. */
  readonly timeoutSeconds: number;
  /** Bounded: what is left waits for the next run. Throws when nothing could be done; it is tried again then. */
  run(core: Core): Promise<JobReport>;
}
