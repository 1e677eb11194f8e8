import type { Migration } from '@agentpay/primitives';

/** The outbox. */
export const events: Migration = {
  name: 'core/008-events',
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
};
