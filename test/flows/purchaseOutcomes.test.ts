import { purchases, type Core } from '@agentpay/core';
import { AgentPayError, type Db } from '@agentpay/primitives';
import { honestSeller, PRICE, purchaseBed, type Buyer, type PurchaseBed } from './purchaseBed.js';

let bed: PurchaseBed;
beforeAll(async () => {
  bed = await purchaseBed();
});
afterAll(async () => {
  await bed.expectSettled();
  await bed.close();
});

/** The database until it has kept a signature of the buyer; nothing comes from it any more then. */
function cutOnceSigned({ id }: Buyer): Db {
  const { db } = bed.core;
  let away = false;
  const cut = async <T>(work: () => Promise<T>): Promise<T> => {
    if (away) throw new AgentPayError('unavailable', 'No connection to the database.');
    const result = await work();
    const signed = await db.query(`select 1 from purchases where party_id = $1 and state = 'signed'`, [id]);
    if (signed.length === 0) return result;
    away = true;
    throw new AgentPayError('outcome_unknown', 'The database did not confirm the change.');
  };
  return {
    ...db,
    query: (sql, params) => cut(() => db.query(sql, params)),
    tx: (work, options) => cut(() => db.tx(work, options)),
  };
}

it('a purchase whose signature was kept without a word, by a database that stays away, is of unknown outcome and paid once', async () => {
  const [buyer, before] = [await bed.buyer(), bed.paid()];
  const seller = honestSeller(bed.facilitator, 'x402v2');
  const url = await bed.serve(seller.handle);
  const buy = (core: Core) => purchases.buy(core, { principal: buyer.principal, url, idempotencyKey: 'k' });
  await expect(buy(bed.another({}, cutOnceSigned(buyer)))).rejects.toMatchObject({
    kind: 'outcome_unknown',
  });
  expect(seller.proofs).toHaveLength(0);
  // Whoever had it may still work on it.
  bed.clock.shift(41_000);
  expect((await buy(bed.core)).purchase.state).toBe('confirmed');
  expect([seller.proofs.length, bed.paid() - before]).toEqual([1, PRICE]);
});
