import type { Amount, Queryable } from '@agentpay/primitives';
import type { JournalChain, ChainedJournal } from './Chain.js';
import type { Hold, HoldState } from './Hold.js';
import type { Journal, Posting } from './Journal.js';

/** A chain that nobody else writes to until the transaction ends. */
export async function takeChain(db: Queryable, at: Date): Promise<JournalChain> {
  const [free] = await db.query<JournalChain>(
    `select id, length, head from ledger_chains where kind = 'shared' order by id limit 1 for update skip locked`,
  );
  if (free) return free;
  const [made] = await db.query<JournalChain>(
    `insert into ledger_chains (kind, used_at) values ('shared', $1) returning id, length, head`,
    [at],
  );
  return made as JournalChain;
}

/** False when the key is in the books already. Waits for a transaction that is writing the same key. */
export async function insertJournal(db: Queryable, journal: ChainedJournal): Promise<boolean> {
  const rows = await db.query(
    `insert into ledger_journals (number, id, key, kind, created_at, hash) values ($1, $2, $3, $4, $5, $6)
     on conflict (key) do nothing returning id`,
    [journal.number, journal.id, journal.key, journal.kind, journal.createdAt, journal.hash],
  );
  return rows.length === 1;
}

export async function findJournal(db: Queryable, key: string): Promise<Journal | undefined> {
  const [journal] = await db.query<Omit<Journal, 'postings'> & { number: bigint }>(
    'select number, id, key, kind, created_at as "createdAt" from ledger_journals where key = $1',
    [key],
  );
  if (!journal) return undefined;
  const postings = await db.query<Posting>(
    'select account, asset, amount from ledger_postings where journal = $1',
    [journal.number],
  );
  return { ...journal, postings };
}

/** Locks the balance rows of the named accounts, in the order given, creating those that do not exist; gives their amounts. */
export async function lockBalances(db: Queryable, postings: readonly Posting[]): Promise<Amount[]> {
  const accounts = [postings.map((line) => line.account), postings.map((line) => line.asset)];
  // Rows are made before any is locked: whoever waits for a new row holds no old one.
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

/** Writes the lines of a journal, adds `owned`, those that have a balance row, to their locked rows, the others to the chain's totals. */
export async function insertPostings(
  db: Queryable,
  journal: ChainedJournal,
  {
    chain,
    owned,
    platform,
  }: { chain: JournalChain; owned: readonly Posting[]; platform: readonly Posting[] },
): Promise<void> {
  await db.query(
    `with moved as (
       update ledger_balances as balance set amount = balance.amount + delta.amount
       from unnest($8::text[], $9::text[], $10::bigint[]) as delta (account, asset, amount)
       where balance.account = delta.account and balance.asset = delta.asset
     ), summed as (
       insert into ledger_totals as total (chain, account, asset, amount)
       select $2::integer, account, asset, amount from unnest($11::text[], $12::text[], $13::bigint[]) as line (account, asset, amount)
       on conflict (chain, account, asset) do update set amount = total.amount + excluded.amount
     ), chained as (
       update ledger_chains set length = $3, head = $4 where id = $2
     )
     insert into ledger_postings (journal, account, asset, amount)
     select $1, account, asset, amount from unnest($5::text[], $6::text[], $7::bigint[]) as line (account, asset, amount)`,
    [
      journal.number,
      chain.id,
      chain.length,
      chain.head,
      ...columns(journal.postings),
      ...columns(owned),
      ...columns(platform),
    ],
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

/** The total of an account of the platform, over all chains. */
export async function sumTotals(db: Queryable, account: string, asset: string): Promise<Amount> {
  const [row] = await db.query<{ sum: string }>(
    'select coalesce(sum(amount), 0)::text as sum from ledger_totals where account = $1 and asset = $2',
    [account, asset],
  );
  return BigInt(row?.sum ?? 0);
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
