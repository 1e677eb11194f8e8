import { jobs, ledger } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';
import { market, ownDb, testCore } from './market.js';

let db: Db;
let core: Core;
let walletId: string;

beforeAll(async () => void (db = await ownDb()));
beforeEach(async () => {
  // Every test tampers with books of its own.
  await db.exec('drop schema public cascade; create schema public');
  ({ core } = await testCore(db));
  walletId = (await market(core, { funds: 1_000n })).buyer.walletId;
  for (const key of ['one', 'two', 'three', 'four']) await grant(key);
});
afterAll(() => db.close());

const asset = 'USD';
const grant = (key: string) =>
  db.tx((tx) =>
    ledger.post(core, tx, {
      key,
      kind: 'test',
      postings: ledger.movements.granted({ walletId, asset, amount: 5n }),
    }),
  );

/** Changes the books behind the back of the platform, as somebody with the rights of the database could. */
async function tamper(...statements: string[]): Promise<void> {
  const tables = ['ledger_journals', 'ledger_postings'];
  const toggle = (verb: string) => tables.map((table) => `alter table ${table} ${verb} trigger user`);
  for (const statement of [...toggle('disable'), ...statements, ...toggle('enable')])
    await db.exec(statement);
}

const OF_THREE = `(select number from ledger_journals where key = 'three')`;

describe('verifyChains', () => {
  it('finds nothing in books that nobody touched', async () => {
    expect(await ledger.verifyChains(core)).toEqual([]);
  });

  it.each([
    ['an amount', [`update ledger_postings set amount = amount * 2 where journal = ${OF_THREE}`]],
    [
      'an account',
      [`update ledger_postings set account = 'exp:gas' where journal = ${OF_THREE} and amount < 0`],
    ],
    ['its lines taken out', [`delete from ledger_postings where journal = ${OF_THREE}`]],
    [
      'balanced lines added',
      [
        `insert into ledger_postings select ${OF_THREE}, * from (values ('a', 'USD', 1::bigint), ('b', 'USD', -1)) _`,
      ],
    ],
    [
      'its time',
      [`update ledger_journals set created_at = created_at - interval '1 day' where key = 'three'`],
    ],
    ['its kind', [`update ledger_journals set kind = 'other' where key = 'three'`]],
    [
      "two journals in each other's place",
      [
        `update ledger_journals set key = 'x' where key = 'four'`,
        `update ledger_journals set key = 'four' where key = 'three'`,
        `update ledger_journals set key = 'three' where key = 'x'`,
      ],
    ],
  ])('names the first journal that was tampered with: %s', async (_what, statements) => {
    const [row] = await db.query<{ id: string }>(`select id from ledger_journals where key = 'three'`);
    await tamper(...statements);
    expect(await ledger.verifyChains(core)).toMatchObject([{ journalId: row?.id, fault: 'journal_changed' }]);
  });

  it('finds a forged journal that is balanced, dated back, and whose balances were brought along', async () => {
    await tamper(
      `update ledger_journals set number = number + 1 where key = 'four'`,
      `update ledger_postings set journal = journal + 1 where journal = (select max(journal) from ledger_postings)`,
      `insert into ledger_journals (number, id, key, kind, created_at, hash)
         select number + 1, 'jr_forged', 'forged', 'test', created_at, hash from ledger_journals where key = 'three'`,
      `insert into ledger_postings select ${OF_THREE} + 1, account, asset, amount from ledger_postings where journal = ${OF_THREE}`,
      `update ledger_balances set amount = amount + 5 where account = 'w:${walletId}:avail'`,
      `update ledger_totals set amount = amount - 5 where account = 'exp:grants'`,
      `update ledger_chains set length = length + 1`,
    );
    expect(await ledger.verifyLedger(db)).toEqual([]);
    expect(await ledger.verifyChains(core)).toMatchObject([
      { journalId: 'jr_forged', fault: 'journal_changed' },
    ]);
  });

  it('finds a forged journal behind the end', async () => {
    await tamper(
      `insert into ledger_journals (number, id, key, kind, created_at, hash)
         select number + 1, 'jr_forged', 'forged', 'test', created_at, hash from ledger_journals where key = 'four'`,
    );
    expect(await ledger.verifyChains(core)).toMatchObject([
      { journalId: 'jr_forged', fault: 'journal_added' },
    ]);
  });

  it('finds journals that were taken out, from the middle and from the end', async () => {
    const [first] = await db.query<{ position: bigint }>(
      `select number % 1099511627776 as position from ledger_journals where key = 'three'`,
    );
    const gone = [{ position: first?.position, journalId: null, fault: 'journal_missing' }];
    await tamper(`delete from ledger_journals where key = 'four'`);
    expect(await ledger.verifyChains(core)).toMatchObject([
      { ...gone[0], position: (first?.position ?? 0n) + 1n },
    ]);
    await tamper(`delete from ledger_journals where key = 'three'`);
    expect(await ledger.verifyChains(core)).toMatchObject(gone);
    await tamper(`update ledger_chains set length = length - 2`);
    expect(await ledger.verifyChains(core)).toMatchObject([{ fault: 'head_changed' }]);
  });

  it('cannot be satisfied by hashes made without the key', async () => {
    const identity = { ...core.settings.identity, pepper: 'another pepper of the test, as long' };
    const other = { ...core, settings: { ...core.settings, identity } };
    expect(await ledger.verifyChains(other)).toMatchObject([{ position: 1n, fault: 'journal_changed' }]);
  });
});

describe('the job ledger.verify', () => {
  const job = jobs.find(({ name }) => name === 'ledger.verify');

  it('finds nothing in right books, and reports the journal that was tampered with', async () => {
    expect(await job?.run(core)).toEqual({ done: { verified: 1 }, failures: [] });
    const [row] = await db.query<{ id: string }>(`select id from ledger_journals where key = 'three'`);
    await tamper(`update ledger_journals set kind = 'other' where key = 'three'`);
    const report = await job?.run(core);
    expect(report?.done).toEqual({ verified: 0 });
    expect(report?.failures).toMatchObject([{ subject: row?.id }]);
  });
});

describe('the totals of the platform', () => {
  it('are the sums of their postings, without a row that payments wait for', async () => {
    expect(await ledger.accountTotal(db, { account: ledger.EXPENSE_GRANTS, asset })).toBe(-20n);
    expect(await ledger.accountTotal(db, { account: ledger.FAUCET, asset })).toBe(-1_000n);
    const rows = await db.query(`select 1 from ledger_balances where account not like 'w:%'`);
    expect(rows).toEqual([]);
  });

  it('that were changed are found', async () => {
    await tamper(`update ledger_totals set amount = amount + 1 where account = 'faucet'`);
    expect(await ledger.verifyLedger(db)).toMatchObject([
      { check: 'totals_differ', subject: 'faucet', expected: -1_000n, actual: -999n },
    ]);
  });
});

describe('a balance at the end of bigint', () => {
  it('takes no more, which is an error of the request', async () => {
    const entry = (key: string, amount: bigint) => ({
      key,
      kind: 'test',
      postings: ledger.movements.granted({ walletId, asset, amount }),
    });
    const post = (key: string, amount: bigint) => db.tx((tx) => ledger.post(core, tx, entry(key, amount)));
    const tooMuch = expect.objectContaining({ kind: 'invalid_amount', status: 400 });
    await expect(post('above', 2n ** 63n)).rejects.toEqual(tooMuch);
    await post('nearly', 2n ** 63n - 1n - 1_020n);
    await expect(post('over', 1n)).rejects.toEqual(tooMuch);
    expect(await ledger.walletMoney(db, { walletId, asset })).toMatchObject({ available: 2n ** 63n - 1n });
    expect(await ledger.verifyLedger(db)).toEqual([]);
  });
});

describe('reconcile', () => {
  const deposit = (amount: bigint) =>
    ledger.movements.chainDeposit({ network: 'base', walletId, asset: 'USDC', amount });

  it('compares custody with the chain, and says what it could not look up', async () => {
    await db.tx((tx) => ledger.post(core, tx, { key: 'deposit', kind: 'test', postings: deposit(100n) }));
    const asked: unknown[] = [];
    const chainSays = (balance: bigint | undefined) => ({
      custody: { balance: async (place: unknown) => (asked.push(place), balance) },
    });
    const account = 'custody:base:usdc';
    expect(await ledger.reconcile(core, chainSays(100n))).toEqual([]);
    expect(asked).toEqual([{ network: 'base', asset: 'USDC' }]);
    expect(await ledger.reconcile(core, chainSays(99n))).toEqual([
      { account, asset: 'USDC', expected: 100n, actual: 99n },
    ]);
    expect(await ledger.reconcile(core, chainSays(undefined))).toMatchObject([{ account, actual: null }]);
  });
});
