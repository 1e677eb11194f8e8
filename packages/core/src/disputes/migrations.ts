import type { Migration } from '@agentpay/primitives';

/** Disputes about payments, invoices and agreements, one of each at most, and what speaks for either side. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/disputes-1',
    sql: `
create table disputes (
  id text primary key,
  payment_id text unique references payments (id),
  invoice_id text unique references invoices (id),
  opener_id text not null references parties (id),
  other_id text references parties (id),
  reason text not null,
  description text,
  status text not null check (status in ('open', 'under_review', 'withdrawn', 'resolved_refunded', 'resolved_denied')),
  note text,
  created_at timestamptz not null,
  resolved_at timestamptz,
  check ((payment_id is null) <> (invoice_id is null))
);
create index disputes_opener on disputes (opener_id, created_at);
create index disputes_other on disputes (other_id, created_at);

create table dispute_evidence (
  id text primary key,
  dispute_id text not null references disputes (id),
  party_id text not null references parties (id),
  type text not null,
  content text not null,
  created_at timestamptz not null
);
create index dispute_evidence_order on dispute_evidence (dispute_id, created_at);
`,
  },
  {
    name: 'core/disputes-2',
    sql: `
alter table disputes add column agreement_id text unique references agreements (id);
alter table disputes drop constraint disputes_check;
alter table disputes add constraint disputes_subject check (num_nonnulls(payment_id, invoice_id, agreement_id) = 1);
`,
  },
  {
    // The list of the operator.
    name: 'core/disputes-3',
    sql: 'create index disputes_newest on disputes (created_at, id)',
  },
];
