import type { Migration } from '@agentpay/primitives';

/** The outbox. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/events-1',
    sql: `
create table events (
  sequence bigint generated always as identity,
  transaction xid8 not null default pg_current_xact_id(),
  id text primary key,
  type text not null,
  subject text not null,
  audience text[] not null,
  data jsonb not null,
  created_at timestamptz not null
);
create index events_order on events (transaction, sequence);
create index events_subject on events (subject, sequence);
`,
  },
  {
    // Events are written far more often than anybody looks into their data: json is kept as it comes, jsonb is taken apart.
    name: 'core/events-2',
    sql: 'alter table events alter column data type json using data::json;',
  },
];
