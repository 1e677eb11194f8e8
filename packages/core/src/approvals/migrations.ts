import type { Migration } from '@agentpay/primitives';

/** What waits for its owner. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/approvals-1',
    sql: `
create table approvals (
  id text primary key,
  payer_id text not null references parties (id),
  owner_id text references parties (id),
  subject text not null,
  reference text not null,
  amount bigint not null check (amount > 0),
  currency text not null,
  payee text not null,
  rail text not null,
  description text,
  rule_id text,
  status text not null check (status in ('pending', 'approved', 'rejected', 'expired')),
  note text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  decided_at timestamptz,
  decided_by text,
  used_by text,
  check ((decided_at is not null) = (status in ('approved', 'rejected'))),
  check ((decided_by is not null) = (decided_at is not null)),
  check (used_by is null or status = 'approved')
);
create unique index approvals_pending on approvals (payer_id, subject, reference) where status = 'pending';
create index approvals_reference on approvals (payer_id, subject, reference, created_at);
create index approvals_payer on approvals (payer_id, created_at);
create index approvals_owner on approvals (owner_id, created_at) where owner_id is not null;
create index approvals_due on approvals (expires_at) where status = 'pending';
`,
  },
  {
    // The list of the operator.
    name: 'core/approvals-2',
    sql: 'create index approvals_newest on approvals (created_at, id)',
  },
];
