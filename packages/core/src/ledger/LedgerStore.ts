import type { Amount, Queryable } from '@agentpay/primitives';
import type { Hold, HoldState } from './Hold.js';
import type { Journal, Posting } from './Journal.js';

/** False when the key is in the books already. Waits for a transaction that is writing the same key. */
export async function insertJournal(db: Queryable, journal: Journal): Promise<boolean> {
  const rows = await db.query(
    'insert into ledger_journals (id, key, kind, created_at) values ($1, $2, $3, $4) on conflict (key) do nothing returning id',
    [journal.id, journal.key, journal.kind, journal.createdAt],
  );
  return rows.length === 1;
}

export async function findJournal(db: Queryable, key: string): Promise<Journal | undefined> {
  const [journal] = await db.query<Omit<Journal, 'postings'>>(
    'select id, key, kind, created_at as "createdAt" from ledger_journals where key = $1',
    [key],
  );
  if (!journal) return undefined;
  const postings = await db.query<Posting>(
    'select account, asset, amount from ledger_postings where journal_id = $1',
    [journal.id],
  );
  return { ...journal, postings };
}

/** Locks the balance rows of the named accounts, in the order given, creating those that do not exist; gives their amounts. */
export async function lockBalances(db: Queryable, postings: readonly Posting[]): Promise<Amount[]> {
  const accounts = [postings.map((line) => line.account), postings.map((line) => line.asset)];
  await db.query(
    `insert into ledger_balances (account, asset, amount)
     select account, asset, 0 from unnest($1::text[], $2::text[]) with ordinality as wanted (account, asset, position)
     order by position on conflict do nothing`,
    accounts,
  );
  const rows = await db.query<Posting>(
    `select account, asset, balance.amount from unnest($1::text[], $2::text[]) with ordinality as wanted (account, asset, position)
     join ledger_balances as balance using (account, asset)
     order by position for update of balance`,
    accounts,
  );
  return rows.map((row) => row.amount);
}

/** Writes the lines of a journal and adds `owned`, those of them that have a balance row, to their locked rows. */
export async function insertPostings(
  db: Queryable,
  journalId: string,
  all: readonly Posting[],
  owned: readonly Posting[],
): Promise<void> {
  await db.query(
    `with moved as (
       update ledger_balances as balance set amount = balance.amount + delta.amount
       from unnest($5::text[], $6::text[], $7::bigint[]) as delta (account, asset, amount)
       where balance.account = delta.account and balance.asset = delta.asset
     )
     insert into ledger_postings (journal_id, account, asset, amount)
     select $1, account, asset, amount from unnest($2::text[], $3::text[], $4::bigint[]) as line (account, asset, amount)`,
    [journalId, ...columns(all), ...columns(owned)],
  );
}

/** Balance rows of several owned accounts at one moment; an account that has no row yet is left out. */
export function readBalances(
  db: Queryable,
  accounts: readonly string[],
  asset: string,
): Promise<Pick<Posting, 'account' | 'amount'>[]> {
  return db.query(
    'select account, amount from ledger_balances where account = any($1::text[]) and asset = $2',
    [accounts, asset],
  );
}

export async function sumPostings(db: Queryable, account: string, asset: string): Promise<Amount> {
  const [row] = await db.query<{ sum: Amount }>(
    'select coalesce(sum(amount), 0)::bigint as sum from ledger_postings where account = $1 and asset = $2',
    [account, asset],
  );
  return row?.sum ?? 0n;
}

const HOLD =
  'id, wallet_id as "walletId", asset, amount, purpose, state, created_at as "createdAt", closed_at as "closedAt"';

export async function insertHold(db: Queryable, hold: Hold): Promise<void> {
  await db.query(
    'insert into ledger_holds (id, wallet_id, asset, amount, purpose, state, created_at) values ($1, $2, $3, $4, $5, $6, $7)',
    [hold.id, hold.walletId, hold.asset, hold.amount, hold.purpose, hold.state, hold.createdAt],
  );
}

/** Takes the hold out of `open`; undefined when it is not open (any more). */
export async function closeHold(
  db: Queryable,
  id: string,
  state: Exclude<HoldState, 'open'>,
  at: Date,
): Promise<Hold | undefined> {
  const [hold] = await db.query<Hold>(
    `update ledger_holds set state = $2, closed_at = $3 where id = $1 and state = 'open' returning ${HOLD}`,
    [id, state, at],
  );
  return hold;
}

function columns(postings: readonly Posting[]): [string[], string[], Amount[]] {
  return [
    postings.map((line) => line.account),
    postings.map((line) => line.asset),
    postings.map((line) => line.amount),
  ];
}
