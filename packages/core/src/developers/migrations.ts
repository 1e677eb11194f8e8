import type { Migration } from '@agentpay/primitives';

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
create index developers_status on developers (status, created_at);
`,
  },
];
