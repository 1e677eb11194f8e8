import type { Migration } from '@agentpay/primitives';

/** Sessions of the public sandbox and the ways into them. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/explorer-1',
    sql: `
create table explorer_sessions (
  id text primary key,
  agent_id text not null references agents (id),
  wallet_id text not null references wallets (id),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index explorer_sessions_expiry on explorer_sessions (expires_at);
create table explorer_invites (
  id text primary key,
  session_id text not null references explorer_sessions (id) on delete cascade,
  hash text not null unique,
  expires_at timestamptz not null,
  uses_left integer not null check (uses_left >= 0)
);
create index explorer_invites_session on explorer_invites (session_id);
`,
  },
];
