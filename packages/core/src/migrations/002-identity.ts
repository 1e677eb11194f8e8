import type { Migration } from '@agentpay/primitives';

/** Keys, as hashes. */
export const identity: Migration = {
  name: 'core/002-identity',
  sql: `
create table credentials (
  id text primary key,
  hash text not null unique,
  kind text not null check (kind in ('runtime', 'secret')),
  principal_id text not null,
  scopes text[] not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null
);
create index credentials_principal on credentials (principal_id) where revoked_at is null;
`,
};
