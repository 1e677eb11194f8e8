import type { Migration } from '@agentpay/primitives';
import type { SealedColumn } from '../vault/index.js';

/** Who is told of events, and every telling. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/webhooks-1',
    sql: `
create table webhooks (
  id text primary key,
  owner_id text not null references parties (id),
  url text not null,
  events text[] not null,
  secret text not null,
  former_secret text,
  former_until timestamptz,
  status text not null check (status in ('active', 'disabled', 'deleted')),
  created_at timestamptz not null
);
create index webhooks_owner on webhooks (owner_id, created_at);

create table webhook_deliveries (
  id text primary key,
  webhook_id text not null references webhooks (id),
  event_id text not null references events (id),
  type text not null,
  state text not null check (state in ('pending', 'delivered', 'dead')),
  attempts integer not null,
  next_at timestamptz,
  claimed_until timestamptz,
  last_status integer,
  last_error text,
  created_at timestamptz not null,
  delivered_at timestamptz,
  unique (webhook_id, event_id),
  check ((state = 'pending') = (next_at is not null))
);
create index webhook_deliveries_due on webhook_deliveries (next_at) where state = 'pending';
create index webhook_deliveries_log on webhook_deliveries (webhook_id, id);

-- How far the outbox has been read. One row: whoever locks it reads on.
create table webhook_position (
  single boolean primary key default true check (single),
  transaction text not null,
  sequence bigint not null
);
insert into webhook_position (transaction, sequence) values ('0', 0);
`,
  },
];

/** What of it is sealed. */
export const sealed: readonly SealedColumn[] = [
  { table: 'webhooks', key: 'id', column: 'secret', place: (id) => id },
  { table: 'webhooks', key: 'id', column: 'former_secret', place: (id) => id },
];
