import type { Migration } from '@agentpay/primitives';

/**
 * Payments: what was paid, by whom, to whom. Parties, wallets and services are not referred to by the database: they are never
 * deleted, the code has read them when it writes, and a look-up for each of them would be the dearest part of a payment.
 */
export const migrations: readonly Migration[] = [
  {
    name: 'core/payments-1',
    sql: `
create table payments (
  id text primary key,
  rail text not null,
  payer_id text not null,
  payer_wallet_id text not null,
  payee_id text,
  payee_wallet_id text,
  payee_external text,
  amount bigint not null check (amount > 0),
  fee bigint not null check (fee >= 0),
  fee_mode text not null check (fee_mode in ('on_top', 'from_gross', 'by_permit')),
  currency text not null,
  status text not null check (status in (
    'pending', 'authorized', 'submitted', 'settling', 'completed', 'failed', 'refunded', 'expired')),
  description text,
  service_id text,
  hold_id text,
  idempotency_key text,
  reference text,
  proof jsonb,
  failure text,
  refunded bigint not null check (refunded between 0 and amount),
  next_attempt_at timestamptz,
  attempts integer not null,
  created_at timestamptz not null,
  completed_at timestamptz,
  unique (payer_id, idempotency_key),
  check ((payee_wallet_id is null) <> (payee_external is null)),
  check ((payee_wallet_id is null) = (payee_id is null)),
  check (fee_mode <> 'from_gross' or fee <= amount),
  check ((status = 'refunded') = (refunded = amount)),
  check ((completed_at is not null) = (status in ('completed', 'refunded'))),
  check (next_attempt_at is null or status in ('pending', 'authorized', 'submitted', 'settling'))
) with (fillfactor = 80);
create index payments_payer on payments (payer_id, created_at desc, id desc);
create index payments_payee on payments (payee_id, created_at desc, id desc) where payee_id is not null;
create index payments_due on payments (next_attempt_at) where next_attempt_at is not null;

create table payment_refunds (
  id text primary key,
  payment_id text not null references payments (id),
  amount bigint not null check (amount > 0),
  reason text,
  created_at timestamptz not null
);
create index payment_refunds_payment on payment_refunds (payment_id, created_at);
`,
  },
  {
    name: 'core/payments-2',
    sql: `
alter table payments add column refunding bigint not null default 0 check (refunding >= 0);
alter table payments add check (refunded + refunding <= amount);
alter table payment_refunds
  add column status text not null default 'completed' check (status in ('pending', 'completed', 'failed')),
  add column to_external text,
  add column short boolean not null default false,
  add column claimed bigint not null default 0,
  add column collected bigint not null default 0,
  add column reference text,
  add column proof jsonb,
  add column failure text,
  add column next_attempt_at timestamptz,
  add column attempts integer not null default 0,
  add check ((next_attempt_at is not null) = (status = 'pending')),
  add check (collected between 0 and claimed and claimed <= amount);
alter table payment_refunds alter column status drop default;
create index payment_refunds_claims on payment_refunds (created_at, id) where collected < claimed;
create index payment_refunds_due on payment_refunds (next_attempt_at) where next_attempt_at is not null;
`,
  },
];
