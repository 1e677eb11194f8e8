import type { Amount, Queryable } from '@agentpay/primitives';
import type { Journal, Posting } from './Journal.js';

/** Makes whoever writes under the same key wait until the transaction ends. */
export async function lockKey(db: Queryable, key: string): Promise<void> {
  await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [key]);
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

/** The journals with these keys and their lines, oldest first; of each what is taken before what is given. */
export async function journalsOf(db: Queryable, { keys }: { keys: readonly string[] }): Promise<Journal[]> {
  const found = await db.query<Omit<Journal, 'postings'> & { number: bigint }>(
    `select number, id, key, kind, created_at as "createdAt" from ledger_journals
     where key = any((select $1::text[])::text[]) order by created_at, number`,
    [keys],
  );
  const lines = await db.query<Posting & { journal: bigint }>(
    `select journal, account, asset, amount from ledger_postings
     where journal = any((select $1::bigint[])::bigint[]) order by amount, account`,
    [found.map(({ number }) => String(number))],
  );
  return found.map(({ number, ...journal }) => ({
    ...journal,
    postings: lines
      .filter((line) => line.journal === number)
      .map(({ account, asset, amount }) => ({ account, asset, amount })),
  }));
}

/** Ids of the journals with these keys. */
export async function journalIds(
  db: Queryable,
  { keys }: { keys: readonly string[] },
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ key: string; id: string }>(
    'select key, id from ledger_journals where key = any($1::text[])',
    [keys],
  );
  return new Map(rows.map(({ key, id }) => [key, id]));
}

/** Ids of the last journals that moved something on an account, newest first. Reads every posting. */
export async function lastJournals(
  db: Queryable,
  { account, limit }: { account: string; limit: number },
): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from ledger_journals where number in (select journal from ledger_postings where account = $1)
     order by created_at desc, number desc limit $2`,
    [account, limit],
  );
  return rows.map(({ id }) => id);
}

/** What open holds reserve, by purpose and asset. */
export function sumOpenHolds(
  db: Queryable,
): Promise<{ purpose: string; asset: string; holds: number; amount: Amount }[]> {
  return db.query(
    `select purpose, asset, count(*)::integer as holds, sum(amount)::bigint as amount from ledger_holds
     where state = 'open' group by purpose, asset order by purpose, asset`,
  );
}
