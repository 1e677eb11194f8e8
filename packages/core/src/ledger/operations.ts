import { AgentPayError } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import type { LedgerCore } from './LedgerCore.js';
import { available, held, isOwned } from './Account.js';
import { balances, postIn } from './book.js';
import { assertBalanced, samePostings } from './Journal.js';
import type { Journal, JournalEntry } from './Journal.js';
import * as store from './LedgerStore.js';

/**
 * Writes one business event into the books, inside the caller's transaction. A key that is in the books already posts
 * nothing and gives the first journal.
 * @throws AgentPayError `insufficient_funds` when a wallet would fall below zero; `invalid_amount` above what an account can hold;
 * `internal_error` for a journal that is not balanced, or a key used before for other postings.
 */
export async function post(core: LedgerCore, tx: Tx, entry: JournalEntry): Promise<Journal> {
  assertBalanced(entry.postings);
  await store.lockKey(tx, entry.key);
  const first = await store.findJournal(tx, entry.key);
  if (first) {
    if (first.kind === entry.kind && samePostings(first.postings, entry.postings)) return first;
    throw new AgentPayError('internal_error', `Journal key ${entry.key} was used for another event.`);
  }
  const owned = entry.postings.filter((line) => isOwned(line.account));
  return core.batch.runIn(tx, {
    wants: owned.map(({ account, asset }) => [balances, [account, asset]]),
    lane: entry.key,
    decide: (scene) => postIn(core, scene, entry),
  });
}

/** What a wallet has free and what open holds reserve of it, at one moment. */
export async function walletMoney(
  db: Queryable,
  { walletId, asset }: { walletId: string; asset: string },
): Promise<{ available: Amount; held: Amount }> {
  const rows = await store.readBalances(db, [available(walletId), held(walletId)], asset);
  const amountOf = (account: string) => rows.find((row) => row.account === account)?.amount ?? 0n;
  return { available: amountOf(available(walletId)), held: amountOf(held(walletId)) };
}

/** Money that open holds reserve, by what it is for. */
export const openHolds = store.sumOpenHolds;

/** What any account, the platform's included, has. */
export async function accountTotal(
  db: Queryable,
  { account, asset }: { account: string; asset: string },
): Promise<Amount> {
  if (!isOwned(account)) return store.sumTotals(db, account, asset);
  const [row] = await store.readBalances(db, [account], asset);
  return row?.amount ?? 0n;
}
