import type { Migration } from '@agentpay/primitives';

/** Wallets and the play money given to them. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/wallets-1',
    sql: `
create table wallets (
  id text primary key,
  owner_id text not null references parties (id),
  currency text not null,
  created_at timestamptz not null
);
create index wallets_owner on wallets (owner_id, currency);

create table fundings (
  id text primary key,
  wallet_id text not null references wallets (id),
  amount bigint not null check (amount > 0),
  source text not null,
  idempotency_key text,
  created_at timestamptz not null,
  unique (wallet_id, idempotency_key)
);
`,
  },
  {
    // The list of the operator.
    name: 'core/wallets-2',
    sql: 'create index wallets_newest on wallets (currency, created_at, id)',
  },
];
