import type { Migration } from '@agentpay/primitives';
import type { SealedColumn } from '../vault/index.js';

/** Developers. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/developers-1',
    sql: `
create table developers (
  id text primary key references parties (id),
  email text not null,
  name text not null,
  status text not null check (status in ('pending', 'active', 'suspended')),
  wallet_id text not null unique references wallets (id),
  created_at timestamptz not null
);
create index developers_status on developers (status, id);

create table developer_earnings (
  developer_id text not null references developers (id),
  month text not null,
  amount bigint not null,
  primary key (developer_id, month)
) with (fillfactor = 50);

create table developer_payout_accounts (
  developer_id text primary key references developers (id),
  type text not null check (type in ('bank', 'crypto', 'stripe')),
  destination text not null,
  shown jsonb not null
);

-- Payouts by the schedule: one a month.
create table developer_payout_runs (
  developer_id text not null references developers (id),
  month text not null,
  payout_id text not null references payouts (id),
  primary key (developer_id, month)
);
`,
  },
  {
    // The list of the operator.
    name: 'core/developers-2',
    sql: 'create index developers_newest on developers (created_at, id)',
  },
];

/** What of it is sealed. */
export const sealed: readonly SealedColumn[] = [
  { table: 'developer_payout_accounts', key: 'developer_id', column: 'destination', place: (id) => id },
];
