import { ledger, tokens, wallets } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { isAgentPayError } from '@agentpay/primitives';
import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase } from '@agentpay/testing';
import type { TestDatabase } from '@agentpay/testing';
import { market, money, PRICE, signedIn, testCore } from '../flows/market.js';
import { captureHold, openHold, releaseHold } from '../flows/inTransaction.js';

let database: TestDatabase;
let db: Db;
let core: Core;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 30, connectTimeoutMs: 300_000 });
  ({ core } = await testCore(db));
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(async () => {
  await db.close();
  await database.drop();
});

const repeat = <T>(times: number, make: (index: number) => T) =>
  Array.from({ length: times }, (_, index) => make(index));

async function count(calls: Promise<unknown>[]): Promise<{ done: number; refused: number }> {
  const settled = await Promise.allSettled(calls);
  for (const result of settled) {
    if (result.status === 'rejected' && !isAgentPayError(result.reason, 'insufficient_funds'))
      throw result.reason;
  }
  const done = settled.filter((result) => result.status === 'fulfilled').length;
  return { done, refused: settled.length - done };
}

describe('the ledger on PostgreSQL', () => {
  it('200 parallel authorizes from one wallet never overdraw it', async () => {
    const { buyer, service } = await market(core, { funds: PRICE * 120n + 1n });
    const request = { principal: buyer.principal, serviceId: service.id, walletId: buyer.walletId };
    expect(await count(repeat(200, () => tokens.authorize(core, request)))).toEqual({
      done: 120,
      refused: 80,
    });
    expect(await money(core, buyer)).toEqual({ available: 1n, held: PRICE * 120n });
  });

  it('of holds that race for the last unit one gets it', async () => {
    for (const { walletId, buyer } of await Promise.all(repeat(10, oneUnit))) {
      const hold = { walletId, asset: 'USD', amount: 1n, purpose: 'token' };
      expect(await count(repeat(2, () => db.tx((tx) => openHold(core, tx, hold))))).toEqual({
        done: 1,
        refused: 1,
      });
      expect(await money(core, buyer)).toEqual({ available: 0n, held: 1n });
    }
  });

  it('a hold that capture and release race for is closed once', async () => {
    for (const { walletId, buyer } of await Promise.all(repeat(10, oneUnit))) {
      const { id: holdId } = await db.tx((tx) =>
        openHold(core, tx, { walletId, asset: 'USD', amount: 1n, purpose: 'token' }),
      );
      const credits = [{ account: ledger.REVENUE_PAYMENT, amount: 1n }];
      const results = await Promise.allSettled([
        db.tx((tx) => captureHold(core, tx, { holdId, credits })),
        db.tx((tx) => releaseHold(core, tx, { holdId, reason: 'test' })),
      ]);
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      expect(await money(core, buyer)).toEqual({
        available: results[0].status === 'fulfilled' ? 0n : 1n,
        held: 0n,
      });
    }
  });

  it('one journal comes of 30 concurrent posts under one key', async () => {
    const { walletId, buyer } = await oneUnit();
    const postings = [
      { account: ledger.FAUCET, asset: 'USD', amount: -5n },
      { account: ledger.available(walletId), asset: 'USD', amount: 5n },
    ];
    const entry = { key: `race:${walletId}`, kind: 'test', postings };
    const journals = await Promise.all(repeat(30, () => db.tx((tx) => ledger.post(core, tx, entry))));
    expect(new Set(journals.map((journal) => journal.id)).size).toBe(1);
    expect(await money(core, buyer)).toEqual({ available: 6n, held: 0n });
  });

  it('one funding comes of 30 concurrent ones under one idempotency key, and all answer with it', async () => {
    const { principal, walletId, ...rest } = await signedIn(core, 'Retrying');
    const request = { principal, walletId, amount: 7n, source: 'test_faucet', idempotencyKey: 'once' };
    const responses = await Promise.all(repeat(30, () => wallets.fund(core, request)));
    expect(new Set(responses.map((response) => response.transactionId)).size).toBe(1);
    expect(await money(core, { principal, walletId, ...rest })).toEqual({ available: 7n, held: 0n });
  });

  it('posts to accounts that have no balance row yet, in every order at once, do not deadlock', async () => {
    const accounts = repeat(8, (index) => ledger.available(`wallet_fresh${index}`));
    const posts = repeat(40, (index) => {
      const [one, other] = [accounts[index % 8] as string, accounts[(index * 3 + 1) % 8] as string];
      const postings = [
        { account: one, asset: 'EUR', amount: 1n },
        { account: other, asset: 'EUR', amount: 1n },
        { account: ledger.FAUCET, asset: 'EUR', amount: -2n },
      ];
      return db.tx((tx) => ledger.post(core, tx, { key: `fresh:${index}`, kind: 'test', postings }));
    });
    await Promise.all(posts);
    expect(await ledger.accountTotal(db, { account: ledger.FAUCET, asset: 'EUR' })).toBe(-80n);
  });
});

/** A buyer with a single unit. */
async function oneUnit() {
  const { buyer } = await market(core, { funds: 1n });
  return { buyer, walletId: buyer.walletId };
}
