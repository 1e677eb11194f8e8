import type { Migration } from '@agentpay/primitives';

/** Gateways, what they may spend, and their calls. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/gateways-1',
    sql: `
create table gateways (
  id text primary key references parties (id),
  name text not null,
  wallet_id text not null unique references wallets (id),
  org_id text references orgs (id),
  callback_url text,
  keyless boolean not null,
  created_at timestamptz not null
);
create index gateways_order on gateways (created_at, id);
create unique index gateways_keyless on gateways (name) where keyless;

create table gateway_provisions (
  id text primary key,
  gateway_id text not null references gateways (id),
  listing_id text not null references listings (id),
  quota bigint not null check (quota > 0),
  created_at timestamptz not null
);

create table gateway_quotas (
  gateway_id text not null references gateways (id),
  listing_id text not null references listings (id),
  provision_id text not null references gateway_provisions (id),
  quota bigint not null,
  used bigint not null check (used between 0 and quota),
  primary key (gateway_id, listing_id)
) with (fillfactor = 50);

create table gateway_usage (
  gateway_id text not null references gateways (id),
  month text not null,
  amount bigint not null,
  calls bigint not null,
  primary key (gateway_id, month)
) with (fillfactor = 50);

create table gateway_calls (
  id text primary key,
  gateway_id text not null references gateways (id),
  wallet_id text not null references wallets (id),
  listing_id text not null references listings (id),
  developer_id text not null references developers (id),
  payout_wallet_id text not null references wallets (id),
  provision_id text not null,
  method text not null,
  price bigint not null check (price > 0),
  hold_id text not null,
  status text not null check (status in ('queued', 'running', 'completed', 'failed')),
  input jsonb not null,
  output jsonb,
  failure text,
  window_seconds integer not null,
  idempotency_key text,
  digest text,
  queued_at timestamptz not null,
  started_at timestamptz,
  deadline timestamptz,
  ended_at timestamptz,
  unique (gateway_id, idempotency_key),
  check ((status = 'running') = (deadline is not null)),
  check ((status in ('completed', 'failed')) = (ended_at is not null))
) with (fillfactor = 70);
create index gateway_calls_log on gateway_calls (gateway_id, queued_at, id);
create index gateway_calls_queued on gateway_calls (queued_at) where status = 'queued';
create index gateway_calls_running on gateway_calls (deadline) where status = 'running';

create table gateway_fundings (
  id text primary key,
  gateway_id text not null references gateways (id),
  wallet_id text not null references wallets (id),
  amount bigint not null check (amount > 0),
  source text not null check (source in ('stripe', 'x402')),
  status text not null check (status in ('processing', 'settled', 'failed')),
  reference text unique,
  failure text,
  created_at timestamptz not null,
  ended_at timestamptz,
  check ((status = 'processing') = (ended_at is null))
);
create index gateway_fundings_gateway on gateway_fundings (gateway_id, created_at);
create index gateway_fundings_unasked on gateway_fundings (created_at) where status = 'processing' and reference is null;

create table gateway_chain_payments (
  funding_id text primary key references gateway_fundings (id),
  network text not null,
  payment jsonb not null,
  authorizes jsonb,
  authorization_id text references authorizations (id)
);

create table gateway_addresses (
  address text primary key,
  gateway_id text not null references gateways (id)
);

create table gateway_card_events (
  id text primary key,
  type text not null,
  funding_id text references gateway_fundings (id),
  received_at timestamptz not null
);
`,
  },
];
