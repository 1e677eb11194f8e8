import { purchases } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';
import { dialects, honestSeller, PRICE, purchaseBed, textOf, type PurchaseBed } from './purchaseBed.js';

let bed: PurchaseBed;
beforeAll(async () => {
  bed = await purchaseBed();
});
afterAll(() => bed.close());

class Died extends Error {}

/** A process that ends right after its nth effect on anything outside of it: a commit, or a request to the seller. */
function mortal(after: number): { core: Core; hasDied(): boolean } {
  let effects = 0;
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (effects >= after) throw new Died();
    const result = await work();
    if (++effects >= after) throw new Died();
    return result;
  };
  const { db, ports } = bed.core;
  const dying: Db = {
    ...db,
    query: (sql, params) => alive(() => db.query(sql, params)),
    tx: (fn, options) => alive(() => db.tx(fn, options)),
  };
  const fetchOut: typeof ports.sellers.fetchOut = (...call) => alive(() => ports.sellers.fetchOut(...call));
  return { core: bed.another({ sellers: { fetchOut } }, dying), hasDied: () => effects >= after };
}

/** Longer than a process has a purchase to itself, shorter than an authorization lasts. */
const UNTIL_OTHERS_MAY_MS = 41_000;
const MOST_EFFECTS = 60;

async function dieAfter(n: number, dialect: (typeof dialects)[number]) {
  const buyer = await bed.buyer();
  const seller = honestSeller(bed.facilitator, dialect);
  const request = { principal: buyer.principal, url: await bed.serve(seller.handle), idempotencyKey: 'k' };
  const before = bed.paid();
  const { core, hasDied } = mortal(n);
  await purchases.buy(core, request).catch(() => undefined);
  return { seller, request, died: hasDied(), paid: () => bed.paid() - before };
}

describe.each(dialects)('a process that dies within a purchase in %s', (dialect) => {
  it('after whatever step: the same request again is the same purchase, paid once, and delivered', async () => {
    for (let n = 1; ; n++) {
      expect(n).toBeLessThan(MOST_EFFECTS);
      const { seller, request, died, paid } = await dieAfter(n, dialect);
      if (!died) break;
      bed.clock.shift(UNTIL_OTHERS_MAY_MS);
      const again = await purchases.buy(bed.core, request);
      expect([n, JSON.parse(textOf(again)), paid()]).toEqual([n, { weather: 'sunny', said: '' }, PRICE]);
      expect(new Set(seller.proofs.map(({ value }) => value)).size).toBe(1);
      expect(again.purchase.state).toBe('confirmed');
    }
    await bed.settleAll();
    await bed.expectSettled();
  });

  it('after whatever step: others end it, paid once or not at all, and nothing stays reserved', async () => {
    for (let n = 1; ; n++) {
      expect(n).toBeLessThan(MOST_EFFECTS);
      const { seller, died, paid } = await dieAfter(n, dialect);
      if (!died) break;
      bed.clock.shift(UNTIL_OTHERS_MAY_MS);
      await purchases.work(bed.core, { limit: 100 });
      bed.clock.shift(60_000);
      await bed.settleAll();
      const proofs = new Set(seller.proofs.map(({ value }) => value));
      expect([n, proofs.size <= 1, paid()]).toEqual([n, true, BigInt(proofs.size) * PRICE]);
    }
    await bed.expectSettled();
  });
});
