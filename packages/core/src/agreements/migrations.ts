import type { Migration } from '@agentpay/primitives';

/** Usage agreements and what was used of them. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/agreements-1',
    sql: `
create table agreements (
  id text primary key,
  buyer_id text not null references parties (id),
  buyer_owner_id text references parties (id),
  seller_id text not null references parties (id),
  seller_owner_id text references parties (id),
  service_id text not null references services (id),
  funding text not null check (funding in ('sandbox')),
  buyer_wallet_id text not null references wallets (id),
  seller_wallet_id text not null references wallets (id),
  buyer_address text,
  currency text not null,
  cap bigint not null check (cap > 0),
  unit text not null,
  unit_price bigint not null check (unit_price between 1 and cap),
  ends_at timestamptz not null,
  challenge_seconds integer not null check (challenge_seconds >= 0),
  sla_seconds integer check (sla_seconds > 0),
  description text,
  status text not null check (status in ('pending_approval', 'proposed', 'accepted', 'submitting', 'activation_failed', 'active',
    'challenge_window', 'challenged', 'settling', 'settled', 'rejected', 'expired')),
  reason text,
  approval_id text,
  used bigint not null check (used >= 0),
  units bigint not null check (units >= 0),
  reserved bigint not null check (reserved >= 0),
  paid bigint check (paid between 0 and used),
  created_at timestamptz not null,
  proposed_at timestamptz,
  spent_at timestamptz not null,
  accepted_at timestamptz,
  activated_at timestamptz,
  challenge_ends_at timestamptz,
  ended_at timestamptz,
  due_at timestamptz,
  check (used + reserved <= cap),
  check ((ended_at is not null) = (status in ('settled', 'rejected', 'expired'))),
  check ((paid is not null) = (status in ('settling', 'settled'))),
  check (ended_at is null or (due_at is null and reserved = 0))
) with (fillfactor = 70);
create index agreements_buyer on agreements (buyer_id, created_at, id);
create index agreements_seller on agreements (seller_id, created_at, id);
create index agreements_buyer_owner on agreements (buyer_owner_id, created_at, id) where buyer_owner_id is not null;
create index agreements_seller_owner on agreements (seller_owner_id, created_at, id) where seller_owner_id is not null;
create index agreements_open on agreements (buyer_id) where ended_at is null;
create index agreements_due on agreements (due_at) where due_at is not null;

create table agreement_usage (
  agreement_id text not null references agreements (id),
  event_id text not null,
  id text not null unique,
  units bigint not null check (units >= 0),
  amount bigint not null check (amount >= 0),
  status text not null check (status in ('reserved', 'recorded', 'released')),
  created_at timestamptz not null,
  deadline timestamptz,
  primary key (agreement_id, event_id),
  check ((status = 'reserved') = (deadline is not null))
);
create index agreement_usage_left on agreement_usage (deadline) where status = 'reserved';
`,
  },
  {
    name: 'core/agreements-2',
    sql: 'alter table agreements add column category text;',
  },
  {
    name: 'core/agreements-3',
    sql: `
alter table agreements drop constraint agreements_funding_check;
alter table agreements
  add column seller_address text,
  add column network text,
  add column submitted_at timestamptz,
  add column attempts integer not null default 0,
  add column activation_tx text,
  add column settlement_tx text,
  add check (funding in ('sandbox', 'onchain')),
  add check ((funding = 'onchain') = (network is not null)),
  add check (funding = 'sandbox' or buyer_address is not null);

create table agreement_holds (
  agreement_id text primary key references agreements (id),
  offer jsonb not null,
  signature text not null,
  permit jsonb,
  fee_tx text,
  fee_return_tx text,
  fee_return_since timestamptz
);
`,
  },
  {
    name: 'core/agreements-direct',
    sql: `
alter table agreements
  drop constraint agreements_funding_check,
  drop constraint agreements_status_check,
  drop constraint agreements_check3,
  drop constraint agreements_check4;
alter table agreements
  add constraint agreements_funding_check check (funding in ('sandbox', 'onchain', 'direct')),
  add constraint agreements_status_check check (status in ('pending_approval', 'proposed', 'accepted', 'submitting', 'activation_failed',
    'active', 'challenge_window', 'challenged', 'settling', 'settled', 'rejected', 'expired', 'collecting_fee', 'executing_payment',
    'returning_fee', 'completed', 'failed')),
  add constraint agreements_ended check ((ended_at is not null) = (status in ('settled', 'rejected', 'expired', 'completed', 'failed'))),
  add constraint agreements_paid check ((paid is not null) = (status in ('settling', 'settled', 'completed')));

create table direct_purchases (
  id text primary key references agreements (id),
  network text not null,
  payer text not null,
  payee text not null,
  amount bigint not null check (amount > 0),
  fee bigint not null check (fee > 0),
  payment jsonb not null,
  payment_nonce text not null,
  permit jsonb not null,
  fee_hash text,
  payment_hash text,
  return_hash text,
  return_since timestamptz,
  attempts integer not null,
  next_at timestamptz,
  claimed_until timestamptz,
  unique (network, payer, payment_nonce)
);
create index agreements_direct on agreements (accepted_at) where status in ('collecting_fee', 'executing_payment', 'returning_fee');
`,
  },
  {
    // The list of the operator.
    name: 'core/agreements-4',
    sql: 'create index agreements_newest on agreements (created_at, id)',
  },
];
