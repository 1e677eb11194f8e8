import type { Migration } from '@agentpay/primitives';

/** The outbox. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/events-1',
    sql: `
create table events (
  sequence bigint generated always as identity primary key,
  id text not null unique,
  type text not null,
  subject text not null,
  data jsonb not null,
  created_at timestamptz not null
);
create index events_subject on events (subject, sequence);
`,
  },
];
