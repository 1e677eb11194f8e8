import type { Migration } from '@agentpay/primitives';

/** Rows that a job could not work, and when it tries each of them again. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/setbacks-1',
    sql: `
create table setbacks (
  job text not null,
  subject text not null,
  attempts integer not null check (attempts > 0),
  next_attempt_at timestamptz not null,
  primary key (job, subject)
);
`,
  },
];
