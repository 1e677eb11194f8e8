import type { Migration } from '@agentpay/primitives';
import type { SealedColumn } from '../vault/index.js';

/** Money on its way out. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/payouts-1',
    sql: `
create table payouts (
  id text primary key,
  owner_id text not null references parties (id),
  wallet_id text not null references wallets (id),
  amount bigint not null check (amount > 0),
  currency text not null,
  destination_type text not null check (destination_type in ('bank', 'crypto', 'stripe')),
  destination text not null,
  shown jsonb not null,
  description text,
  status text not null check (status in ('pending', 'processing', 'completed', 'failed', 'canceled', 'returned')),
  hold_id text not null,
  reference text,
  account text,
  failure text,
  attempts integer not null,
  next_at timestamptz,
  claimed_until timestamptz,
  estimated_arrival timestamptz not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  check (case when status in ('pending', 'processing') then next_at is not null else status = 'completed' or next_at is null end),
  check ((status in ('completed', 'returned')) = (account is not null))
);
create index payouts_owner on payouts (owner_id, created_at);
create index payouts_due on payouts (next_at) where next_at is not null;
`,
  },
  {
    name: 'core/payouts-2',
    sql: `
alter table payouts add column idempotency_key text;
create unique index payouts_key on payouts (owner_id, idempotency_key) where idempotency_key is not null;
`,
  },
];

/** What of it is sealed. */
export const sealed: readonly SealedColumn[] = [
  { table: 'payouts', key: 'id', column: 'destination', place: (id) => id },
];
