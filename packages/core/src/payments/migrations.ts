import type { Migration } from '@agentpay/primitives';

/** Payments: what was paid, by whom, to whom. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/payments-1',
    sql: `
create table payments (
  id text primary key,
  rail text not null,
  payer_id text not null references parties (id),
  payer_wallet_id text not null references wallets (id),
  payee_id text not null references parties (id),
  payee_wallet_id text not null references wallets (id),
  amount bigint not null check (amount > 0),
  fee bigint not null check (fee between 0 and amount),
  currency text not null,
  status text not null check (status in ('completed', 'refunded')),
  service_id text references services (id),
  created_at timestamptz not null,
  completed_at timestamptz not null
);
create index payments_payer on payments (payer_id, created_at desc, id desc);
create index payments_payee on payments (payee_id, created_at desc, id desc);
`,
  },
];
