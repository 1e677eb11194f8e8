import type { Migration } from '@agentpay/primitives';

/** Keys under which callers repeat requests, with the responses they got. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/idempotency-1',
    sql: `
create table idempotency_keys (
  party_id text not null references parties (id),
  endpoint text not null,
  key text not null,
  digest text not null,
  claim_id text not null,
  state text not null check (state in ('in_progress', 'done')),
  claimed_until timestamptz not null,
  status integer,
  body text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (party_id, endpoint, key),
  check ((state = 'done') = (status is not null and body is not null))
);
create index idempotency_keys_expiry on idempotency_keys (expires_at);
`,
  },
];
