import type { Migration } from '@agentpay/primitives';

/** Double-entry books: append-only journals, owned balances that cannot go negative, holds. */
export const migrations: readonly Migration[] = [
  {
    name: 'core/ledger-1',
    sql: `
create table ledger_journals (
  id text primary key,
  key text not null unique,
  kind text not null,
  created_at timestamptz not null
);

create table ledger_postings (
  journal_id text not null references ledger_journals (id),
  account text not null,
  asset text not null,
  amount bigint not null check (amount <> 0),
  primary key (journal_id, account, asset)
);
create index ledger_postings_account on ledger_postings (account, asset);

create table ledger_balances (
  account text not null,
  asset text not null,
  amount bigint not null check (amount >= 0),
  primary key (account, asset)
);

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
);
create index ledger_holds_open on ledger_holds (wallet_id, asset) where state = 'open';

create function ledger_assert_balanced() returns trigger language plpgsql as $$
begin
  if exists (select 1 from ledger_postings where journal_id = new.journal_id group by asset having sum(amount) <> 0) then
    raise exception 'journal % does not sum to zero', new.journal_id using errcode = 'check_violation';
  end if;
  return null;
end
$$;
create constraint trigger ledger_postings_balanced after insert on ledger_postings
  deferrable initially deferred for each row execute function ledger_assert_balanced();

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
