import { AgentPayError } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { available, held, isOwned } from './Account.js';
import { balances, closeHoldIn, holds, openHoldIn, postIn } from './book.js';
import type { Hold } from './Hold.js';
import { assertBalanced, samePostings } from './Journal.js';
import type { Journal, JournalEntry, Posting } from './Journal.js';
import * as store from './LedgerStore.js';
import * as movements from './movements.js';

/**
 * Writes one business event into the books, inside the caller's transaction. A key that is in the books already posts
 * nothing and gives the first journal.
 * @throws AgentPayError `insufficient_funds` when a wallet would fall below zero; `invalid_amount` above what an account can hold;
 * `internal_error` for a journal that is not balanced, or a key used before for other postings.
 */
export async function post(core: Core, tx: Tx, entry: JournalEntry): Promise<Journal> {
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

/** What any account, the platform's included, has. */
export async function accountTotal(
  db: Queryable,
  { account, asset }: { account: string; asset: string },
): Promise<Amount> {
  if (!isOwned(account)) return store.sumTotals(db, account, asset);
  const [row] = await store.readBalances(db, [account], asset);
  return row?.amount ?? 0n;
}

/**
 * Reserves money of a wallet: available -> held.
 * @throws AgentPayError `insufficient_funds`
 */
export async function openHold(
  core: Core,
  tx: Tx,
  reserved: { walletId: string; asset: string; amount: Amount; purpose: string },
): Promise<Hold> {
  const { walletId, asset } = reserved;
  return core.batch.runIn(tx, {
    wants: [available(walletId), held(walletId)].map((account) => [balances, [account, asset]]),
    lane: walletId,
    decide: (scene) => openHoldIn(core, scene, reserved),
  });
}

/**
 * Pays the whole of a hold out: held -> `credits`, which sum to the hold's amount (lines of zero are left out).
 * @throws AgentPayError `internal_error` when the hold is not open or the credits do not sum up.
 */
export async function captureHold(
  core: Core,
  tx: Tx,
  { holdId, credits }: { holdId: string; credits: readonly Pick<Posting, 'account' | 'amount'>[] },
): Promise<Hold> {
  const paid = credits.filter((line) => line.amount !== 0n);
  const postings = ({ walletId, asset, amount }: Hold) => [
    { account: held(walletId), asset, amount: -amount },
    ...paid.map((line) => ({ ...line, asset })),
  ];
  const closing = { holdId, state: 'captured', reason: 'capture', postings } as const;
  return core.batch.runIn(tx, {
    wants: [[holds, [holdId]]],
    lane: holdId,
    decide: (scene) => closeHoldIn(core, scene, closing),
  });
}

/**
 * Gives the whole of a hold back: held -> available.
 * @throws AgentPayError `internal_error` when the hold is not open.
 */
export async function releaseHold(
  core: Core,
  tx: Tx,
  { holdId, reason }: { holdId: string; reason: string },
): Promise<Hold> {
  const closing = { holdId, state: 'released', reason, postings: movements.release } as const;
  return core.batch.runIn(tx, {
    wants: [[holds, [holdId]]],
    lane: holdId,
    decide: (scene) => closeHoldIn(core, scene, closing),
  });
}
