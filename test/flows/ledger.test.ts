import { ledger } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { sqlState } from '@agentpay/primitives';
import type { Db } from '@agentpay/primitives';
import { market, ownDb, testCore } from './market.js';
import { captureHold, openHold, releaseHold } from './inTransaction.js';

let db: Db;
let core: Core;
let walletId: string;

beforeAll(async () => {
  db = await ownDb();
  ({ core } = await testCore(db));
});
beforeEach(async () => {
  walletId = (await market(core, { funds: 100n })).buyer.walletId;
});
afterAll(() => db.close());

const asset = 'USD';
const refused = (kind: string) => expect.objectContaining({ name: 'AgentPayError', kind });
const funds = () => ledger.walletMoney(db, { walletId, asset });
const hold = (amount: bigint) =>
  db.tx((tx) => openHold(core, tx, { walletId, asset, amount, purpose: 'token' }));
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Ends a transaction that did what it was to do, so that nothing of it stays. */
class Undone extends Error {}

describe('post', () => {
  const entry = (amount: bigint, key = 'event-1') => ({
    key: `${walletId}:${key}`,
    kind: 'test',
    postings: [
      { account: ledger.FAUCET, asset, amount: -amount },
      { account: ledger.available(walletId), asset, amount },
    ],
  });

  it('posts nothing for a key that is in the books, and gives the first journal', async () => {
    const first = await db.tx((tx) => ledger.post(core, tx, entry(5n)));
    const again = await db.tx((tx) => ledger.post(core, tx, entry(5n)));
    expect(again.id).toBe(first.id);
    expect(await funds()).toEqual({ available: 105n, held: 0n });
  });

  it('refuses a key that was used for other money', async () => {
    await db.tx((tx) => ledger.post(core, tx, entry(5n)));
    await expect(db.tx((tx) => ledger.post(core, tx, entry(6n)))).rejects.toEqual(refused('internal_error'));
    expect(await funds()).toEqual({ available: 105n, held: 0n });
  });

  it('writes what moves between accounts of the platform alone, within a transaction and by itself', async () => {
    const total = () => ledger.accountTotal(db, { account: ledger.BANK, asset });
    const before = await total();
    const arrived = (key: string): ledger.JournalEntry => ({
      key: `${walletId}:${key}`,
      kind: 'test',
      postings: ledger.movements.cardCashArrived({ asset, amount: 7n }),
    });
    await db.tx((tx) => ledger.post(core, tx, arrived('cash-1')));
    await core.batch.run({
      wants: [],
      lane: walletId,
      decide: (scene) => ledger.postIn(core, scene, arrived('cash-2')),
    });
    expect(await total()).toBe(before - 14n);
    expect(await ledger.verifyLedger(db)).toEqual([]);
  });

  it('never takes more than there is', async () => {
    await expect(db.tx((tx) => ledger.post(core, tx, entry(-101n)))).rejects.toEqual(
      refused('insufficient_funds'),
    );
    await db.tx((tx) => ledger.post(core, tx, entry(-100n)));
    expect(await funds()).toEqual({ available: 0n, held: 0n });
    expect(await ledger.verifyLedger(db)).toEqual([]);
  });
});

describe('the database itself', () => {
  const insert = async (postings: string) => {
    const undone = db.tx(async (tx) => {
      const number = 2n ** 50n;
      await tx.query(
        "insert into ledger_journals (number, id, key, kind, created_at, hash) values ($1, $2, $2, 'test', $3, '')",
        [number, `jr_${walletId}`, new Date(0)],
      );
      await tx.query(
        `insert into ledger_postings (journal, account, asset, amount) select $1, * from (values ${postings}) _`,
        [number],
      );
      throw new Undone();
    });
    await undone.catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
  };

  it('refuses a journal that does not sum to zero in each asset', async () => {
    expect(sqlState(await caught(insert("('a', 'USD', 1::bigint), ('b', 'USD', -2)")))).toBe('23514');
    expect(sqlState(await caught(insert("('a', 'USD', 1::bigint), ('b', 'USDC', -1)")))).toBe('23514');
    expect(await caught(insert("('a', 'USD', 1::bigint), ('b', 'USD', -1)"))).toBeUndefined();
  });

  it('refuses a balance below zero', async () => {
    const overdrawing = db.query('update ledger_balances set amount = -1 where account = $1', [
      ledger.available(walletId),
    ]);
    expect(sqlState(await caught(overdrawing))).toBe('23514');
  });

  it.each([
    'update ledger_postings set amount = amount + 1',
    'delete from ledger_postings',
    'update ledger_journals set key = key',
    'delete from ledger_journals',
    'truncate ledger_postings',
  ])('refuses: %s', async (statement) => {
    await expect(db.exec(statement)).rejects.toThrow('append-only');
  });
});

describe('holds', () => {
  it('close exactly once', async () => {
    const { id: holdId } = await hold(60n);
    expect(await funds()).toEqual({ available: 40n, held: 60n });
    await db.tx((tx) => releaseHold(core, tx, { holdId, reason: 'cancelled' }));
    await expect(db.tx((tx) => releaseHold(core, tx, { holdId, reason: 'cancelled' }))).rejects.toEqual(
      refused('internal_error'),
    );
    const capture = { holdId, credits: [{ account: ledger.REVENUE_PAYMENT, amount: 60n }] };
    await expect(db.tx((tx) => captureHold(core, tx, capture))).rejects.toEqual(refused('internal_error'));
    expect(await funds()).toEqual({ available: 100n, held: 0n });
    expect(await ledger.verifyLedger(db)).toEqual([]);
  });

  it('are captured whole or not at all', async () => {
    const { id: holdId } = await hold(60n);
    const capture = (amount: bigint) =>
      db.tx((tx) =>
        captureHold(core, tx, { holdId, credits: [{ account: ledger.REVENUE_PAYMENT, amount }] }),
      );
    await expect(capture(59n)).rejects.toEqual(refused('internal_error'));
    await expect(capture(61n)).rejects.toEqual(refused('internal_error'));
    await capture(60n);
    expect(await funds()).toEqual({ available: 40n, held: 0n });
    expect(await ledger.verifyLedger(db)).toEqual([]);
  });

  it('need money', async () => {
    await expect(hold(101n)).rejects.toEqual(refused('insufficient_funds'));
    expect(await funds()).toEqual({ available: 100n, held: 0n });
  });
});

describe('verifyLedger', () => {
  /** Tampers inside a transaction that is rolled back, and gives what the check says there. */
  async function differencesAfter(tampering: string): Promise<ledger.Difference[]> {
    let found: ledger.Difference[] = [];
    const undone = db.tx(async (tx) => {
      await tx.exec(`alter table ledger_postings disable trigger user; ${tampering}`);
      found = await ledger.verifyLedger(tx);
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');
    return found;
  }
  const account = () => `w:${walletId}:avail`;

  it('reports a balance row that is not the sum of its postings', async () => {
    expect(
      await differencesAfter(`update ledger_balances set amount = 101 where account = '${account()}'`),
    ).toEqual([{ check: 'balance_differs', subject: account(), asset, expected: 100n, actual: 101n }]);
  });

  it('reports a balance row that is gone', async () => {
    expect(await differencesAfter(`delete from ledger_balances where account = '${account()}'`)).toEqual([
      { check: 'balance_differs', subject: account(), asset, expected: 100n, actual: 0n },
    ]);
  });

  it('reports a changed posting: the journal, the balance, the account below zero', async () => {
    const differences = await differencesAfter(
      `update ledger_postings set amount = -1 where account = '${account()}'`,
    );
    expect(differences.map(({ check }) => check)).toEqual([
      'balance_differs',
      'balance_negative',
      'journal_unbalanced',
    ]);
  });

  it('reports open holds that are not what the held account has', async () => {
    const { id } = await hold(60n);
    expect(await differencesAfter(`update ledger_holds set amount = 61 where id = '${id}'`)).toEqual([
      { check: 'holds_differ', subject: walletId, asset, expected: 61n, actual: 60n },
    ]);
    expect(await differencesAfter(`delete from ledger_holds where id = '${id}'`)).toEqual([
      { check: 'holds_differ', subject: walletId, asset, expected: 0n, actual: 60n },
    ]);
  });
});
