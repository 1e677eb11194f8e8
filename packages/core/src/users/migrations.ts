import type { Migration } from '@agentpay/primitives';

/** Dashboard users. Their sessions are credentials. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/users-1',
    sql: `
create table users (
  id text primary key references parties (id),
  provider text not null,
  account_id text not null,
  login text not null,
  name text,
  image text,
  created_at timestamptz not null,
  unique (provider, account_id)
);
`,
  },
];
