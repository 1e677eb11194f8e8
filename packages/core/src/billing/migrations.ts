import type { Migration } from '@agentpay/primitives';

/** What customers subscribe to, owe, have paid and were given. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/billing-1',
    sql: `
create table bundles (
  id text primary key,
  maker_id text not null references parties (id),
  name text not null,
  listing_ids jsonb not null,
  sellers jsonb not null,
  price bigint not null check (price > 0),
  status text not null check (status = 'active'),
  created_at timestamptz not null
);
create index bundles_order on bundles (created_at, id);

create table subscriptions (
  id text primary key,
  customer_id text not null references parties (id),
  plan text not null,
  bundle_id text references bundles (id),
  seat_count integer not null check (seat_count > 0),
  next_seat_count integer check (next_seat_count > 0),
  seat_price bigint not null check (seat_price > 0),
  purchase_order_id text references org_purchase_orders (id),
  status text not null check (status in ('active', 'past_due', 'canceled')),
  period integer not null check (period >= 0),
  period_end timestamptz not null,
  created_at timestamptz not null,
  canceled_at timestamptz,
  check ((status = 'canceled') = (canceled_at is not null))
);
create index subscriptions_customer on subscriptions (customer_id, created_at);
create index subscriptions_end on subscriptions (period_end) where status <> 'canceled';

create table invoices (
  id text primary key,
  customer_id text not null references parties (id),
  subscription_id text references subscriptions (id),
  purchase_order_id text references org_purchase_orders (id),
  amount bigint not null check (amount > 0),
  lines jsonb not null,
  sellers jsonb not null,
  status text not null check (status in ('open', 'paid', 'void')),
  due_at timestamptz not null,
  overdue boolean not null,
  disputed boolean not null,
  note text,
  paid_from text check (paid_from in ('balance', 'outside')),
  created_at timestamptz not null,
  ended_at timestamptz,
  check ((status = 'open') = (ended_at is null))
);
create index invoices_customer on invoices (customer_id, created_at);
create index invoices_subscription on invoices (subscription_id, created_at);
create index invoices_due on invoices (due_at) where status = 'open' and not overdue;
create index invoices_order on invoices (purchase_order_id) where purchase_order_id is not null;

create table receipts (
  id text primary key,
  customer_id text not null references parties (id),
  gateway_id text,
  seller_id text,
  invoice_id text unique references invoices (id),
  authorization_id text unique,
  amount bigint not null check (amount > 0),
  lines jsonb not null,
  created_at timestamptz not null,
  check ((invoice_id is null) <> (authorization_id is null))
);
create index receipts_customer on receipts (customer_id, created_at);
create index receipts_seller on receipts (seller_id, created_at) where seller_id is not null;
create index receipts_gateway on receipts (gateway_id, created_at) where gateway_id is not null;

create table grants (
  id text primary key,
  org_id text not null references orgs (id),
  amount bigint not null check (amount > 0),
  created_at timestamptz not null
);
create index grants_org on grants (org_id, created_at);

create table alerts (
  id text primary key,
  owner_id text not null references parties (id),
  type text not null check (type = 'budget'),
  threshold bigint not null check (threshold > 0),
  status text not null check (status in ('active', 'deleted')),
  fired_month text,
  checked_at timestamptz not null,
  created_at timestamptz not null
);
create index alerts_owner on alerts (owner_id, created_at);
create index alerts_due on alerts (checked_at, id) where status = 'active';

create table spending_marks (
  party_id text not null references parties (id),
  at timestamptz not null,
  total bigint not null check (total >= 0),
  primary key (party_id, at)
);
create index spending_marks_at on spending_marks (at);

create table authorizations (
  id text primary key,
  payer_id text not null references parties (id),
  wallet_id text not null references wallets (id),
  gateway_id text not null references parties (id),
  hold_id text not null,
  amount bigint not null check (amount > 0),
  memo text not null,
  status text not null check (status in ('authorized', 'settled', 'voided', 'expired')),
  used bigint check (used > 0 and used <= amount),
  usage jsonb,
  receipt_id text references receipts (id),
  expires_at timestamptz not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  check ((status = 'authorized') = (ended_at is null)),
  check ((status = 'settled') = (used is not null and receipt_id is not null))
);
create index authorizations_open on authorizations (gateway_id) where status = 'authorized';
create index authorizations_due on authorizations (expires_at) where status = 'authorized';
`,
  },
  {
    name: 'core/billing-2',
    sql: `create index invoices_balance on invoices (ended_at) where paid_from = 'balance'`,
  },
  {
    // The list of the operator.
    name: 'core/billing-3',
    sql: 'create index grants_newest on grants (created_at, id)',
  },
];
