import type { Migration } from '@agentpay/primitives';

/** Keys, as hashes. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/identity-1',
    sql: `
create table credentials (
  id text primary key,
  hash text not null unique,
  kind text not null,
  party_id text not null references parties (id),
  scopes text[] not null,
  rotation text,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null
);
create index credentials_party on credentials (party_id) where revoked_at is null;
`,
  },
];
