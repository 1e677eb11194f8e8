import type { Migration } from '@agentpay/primitives';

/**
 * Payment tokens, without references that the database would look up for each of them: see the payments. A token that can still change
 * has a deadline; one that cannot has none.
 */
export const migrations: readonly Migration[] = [
  {
    name: 'core/tokens-1',
    sql: `
create table payment_tokens (
  id text primary key,
  service_id text not null,
  provider_id text not null,
  payout_wallet_id text not null,
  consumer_id text not null,
  wallet_id text not null,
  hold_id text not null,
  payment_id text unique,
  amount bigint not null check (amount > 0),
  currency text not null,
  sla_seconds integer not null check (sla_seconds > 0),
  state text not null check (state in (
    'reserved', 'redeemed', 'in_flight', 'accepted', 'settled', 'sla_breached', 'expired', 'cancelled', 'failed', 'refunded')),
  deadline timestamptz,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  redeemed_at timestamptz,
  started_at timestamptz,
  accepted_at timestamptz,
  ended_at timestamptz,
  check ((deadline is not null) = (state in ('reserved', 'redeemed', 'in_flight', 'accepted'))),
  check ((ended_at is null) = (state in ('reserved', 'redeemed', 'in_flight', 'accepted'))),
  check ((payment_id is not null) = (state in ('settled', 'refunded')))
) with (fillfactor = 70);
create index payment_tokens_service on payment_tokens (service_id, ended_at);
create index payment_tokens_deadline on payment_tokens (deadline) where deadline is not null;
`,
  },
];
