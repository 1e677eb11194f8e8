import type { Migration } from '@agentpay/primitives';

/** Double-entry books: append-only journals in hash chains, owned balances that cannot go negative, holds. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/ledger-1',
    sql: `
-- Whoever writes journals has one chain to himself until he commits, so writers never wait for each other.
create table ledger_chains (
  id integer generated always as identity primary key,
  -- A batch keeps its chain between commits; everybody else takes one that is free.
  kind text not null check (kind in ('shared', 'batch')),
  length bigint not null default 0,
  head text not null default '',
  -- Batches written under a chain of that kind: tells after a lost connection whether the last one was.
  batches bigint not null default 0,
  used_at timestamptz not null
);

create table ledger_journals (
  -- chain * 2^40 + position in the chain, from 1
  number bigint primary key,
  id text not null,
  key text not null unique,
  kind text not null,
  created_at timestamptz not null,
  hash text not null
);

-- Rows come in whole journals and are read in whole journals.
create table ledger_postings (
  journal bigint not null,
  account text not null,
  asset text not null,
  amount bigint not null check (amount <> 0)
);
create index ledger_postings_journal on ledger_postings (journal);

create table ledger_balances (
  account text not null,
  asset text not null,
  amount bigint not null check (amount >= 0),
  primary key (account, asset)
) with (fillfactor = 50);

-- Accounts of the platform have no row to wait for: each chain keeps its own share of their totals.
create table ledger_totals (
  chain integer not null references ledger_chains (id),
  account text not null,
  asset text not null,
  amount numeric not null,
  primary key (chain, account, asset)
) with (fillfactor = 50);

create table ledger_holds (
  id text primary key,
  wallet_id text not null,
  asset text not null,
  amount bigint not null check (amount > 0),
  purpose text not null,
  state text not null check (state in ('open', 'captured', 'released')),
  created_at timestamptz not null,
  closed_at timestamptz,
  check ((state = 'open') = (closed_at is null))
) with (fillfactor = 80);
create index ledger_holds_open on ledger_holds (wallet_id, asset) where state = 'open';

create function ledger_assert_balanced() returns trigger language plpgsql as $$
declare
  wrong record;
begin
  select journal, asset into wrong from lines group by journal, asset having sum(amount) <> 0 limit 1;
  if found then
    raise exception 'journal % does not sum to zero in %', wrong.journal, wrong.asset using errcode = 'check_violation';
  end if;
  return null;
end
$$;
create trigger ledger_postings_balanced after insert on ledger_postings
  referencing new table as lines for each statement execute function ledger_assert_balanced();

create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;
create trigger ledger_journals_append_only before update or delete or truncate on ledger_journals
  for each statement execute function ledger_refuse_change();
create trigger ledger_postings_append_only before update or delete or truncate on ledger_postings
  for each statement execute function ledger_refuse_change();
`,
  },
];
