import type { Migration } from '@agentpay/primitives';
import type { SealedColumn } from '../vault/index.js';

/** Wallets on chains. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/custody-1',
    sql: `
create table custody_wallets (
  wallet_id text primary key references wallets (id),
  owner_id text not null references parties (id),
  holder text not null,
  network text not null,
  address text not null,
  sealed_key text not null,
  bookings bigint not null,
  created_at timestamptz not null,
  unique (holder, network),
  unique (network, address)
);
create index custody_wallets_owner on custody_wallets (owner_id);
`,
  },
];

/** What of it is sealed. */
export const sealed: readonly SealedColumn[] = [
  { table: 'custody_wallets', key: 'wallet_id', column: 'sealed_key', place: (id) => id },
];
