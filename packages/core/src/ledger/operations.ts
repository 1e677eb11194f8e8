import { AgentPayError, newId } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { available, held, isOwned } from './Account.js';
import { append } from './Chain.js';
import type { JournalChain } from './Chain.js';
import type { Hold } from './Hold.js';
import { assertBalanced, balanceAfter, inLockOrder, samePostings } from './Journal.js';
import type { JournalEntry, Journal, Posting } from './Journal.js';
import * as store from './LedgerStore.js';
import * as movements from './movements.js';

/** The chain that a transaction writes to, as it stands with what the transaction has written. */
const chains = new WeakMap<Tx, JournalChain>();

/**
 * Writes one business event into the books, inside the caller's transaction. A key that is in the books already posts
 * nothing and gives the first journal.
 * @throws AgentPayError `insufficient_funds` when a wallet would fall below zero; `invalid_amount` above what an account can hold;
 * `internal_error` for a journal that is not balanced, or a key used before for other postings.
 */
export async function post(core: Core, tx: Tx, entry: JournalEntry): Promise<Journal> {
  assertBalanced(entry.postings);
  const createdAt = new Date(core.clock.now());
  const postings = inLockOrder(entry.postings);
  const taken = chains.get(tx) ?? (await store.takeChain(tx, createdAt));
  chains.set(tx, taken);
  const plain = { id: newId('journal', core), key: entry.key, kind: entry.kind, createdAt, postings };
  const { chain, journal } = append(taken, plain, core.settings.identity.pepper);
  if (!(await store.insertJournal(tx, journal))) return replayed(tx, journal);

  const owned = postings.filter((line) => isOwned(line.account));
  const platform = postings.filter((line) => !isOwned(line.account));
  const balances = await store.lockBalances(tx, owned);
  for (const [index, line] of owned.entries()) balanceAfter(line, balances[index] as Amount);
  await store.insertPostings(tx, journal, { chain, owned, platform });
  chains.set(tx, chain);
  return journal;
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
  { walletId, asset, amount, purpose }: { walletId: string; asset: string; amount: Amount; purpose: string },
): Promise<Hold> {
  const createdAt = new Date(core.clock.now());
  const hold: Hold = {
    id: newId('hold', core),
    walletId,
    asset,
    amount,
    purpose,
    state: 'open',
    createdAt,
    closedAt: null,
  };
  await post(core, tx, {
    key: `${hold.id}:open`,
    kind: `${purpose}.hold`,
    postings: movements.reserve({ walletId, asset, amount }),
  });
  await store.insertHold(tx, hold);
  return hold;
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
  return close(core, tx, { holdId, state: 'captured', reason: 'capture', credits });
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
  return close(core, tx, { holdId, state: 'released', reason });
}

async function close(
  core: Core,
  tx: Tx,
  closing: {
    holdId: string;
    state: 'captured' | 'released';
    reason: string;
    credits?: readonly Pick<Posting, 'account' | 'amount'>[];
  },
): Promise<Hold> {
  const hold = await store.closeHold(tx, closing.holdId, closing.state, new Date(core.clock.now()));
  if (!hold) throw new AgentPayError('internal_error', `Hold ${closing.holdId} is not open.`);
  const credits = closing.credits ?? [{ account: available(hold.walletId), amount: hold.amount }];
  await post(core, tx, {
    key: `${hold.id}:close`,
    kind: `${hold.purpose}.${closing.reason}`,
    postings: [
      { account: held(hold.walletId), asset: hold.asset, amount: -hold.amount },
      ...credits.filter((line) => line.amount !== 0n).map((line) => ({ ...line, asset: hold.asset })),
    ],
  });
  return hold;
}

async function replayed(tx: Tx, journal: Journal): Promise<Journal> {
  const first = await store.findJournal(tx, journal.key);
  if (first && first.kind === journal.kind && samePostings(first.postings, journal.postings)) return first;
  throw new AgentPayError('internal_error', `Journal key ${journal.key} was used for another event.`);
}
