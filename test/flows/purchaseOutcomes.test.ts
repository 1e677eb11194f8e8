import { purchases, type Core } from '@agentpay/core';
import { AgentPayError, type Db } from '@agentpay/primitives';
import { toBase64 } from '@agentpay/protocol';
import {
  dialects,
  honestSeller,
  offerV2,
  PRICE,
  purchaseBed,
  type Buyer,
  type PurchaseBed,
} from './purchaseBed.js';

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
    query: (sql, params, options) => cut(() => db.query(sql, params, options)),
    tx: (work, options) => cut(() => db.tx(work, options)),
  };
}

const ways = [
  ...dialects.map((dialect) => ({ way: `bought in ${dialect}`, dialect, byFacilitator: false })),
  { way: 'paid by the facilitator', dialect: 'x402v2' as const, byFacilitator: true },
];

it.each(ways)(
  'a purchase $way, its signature kept without a word by a database that stays away, is of unknown outcome and paid once',
  async ({ dialect, byFacilitator }) => {
    const [buyer, before] = [await bed.buyer(undefined, [], dialect), bed.paid()];
    const { principal, id: holder } = buyer;
    const seller = honestSeller(bed.facilitator, dialect);
    const url = await bed.serve(seller.handle);
    const paymentRequired = toBase64({ x402Version: 2, resource: { url }, accepts: [offerV2()] });
    const asked = { principal, url, idempotencyKey: 'k' };
    const once = (core: Core) =>
      byFacilitator ? purchases.pay(core, { ...asked, holder, paymentRequired }) : purchases.buy(core, asked);
    await expect(once(bed.another({}, cutOnceSigned(buyer)))).rejects.toMatchObject({
      kind: 'outcome_unknown',
    });
    expect([seller.proofs.length, bed.paid() - before]).toEqual([0, 0n]);
    // Whoever had it may still work on it.
    bed.clock.shift(41_000);
    expect((await once(bed.core)).purchase.state).toBe('confirmed');
    expect([seller.proofs.length, bed.paid() - before]).toEqual([byFacilitator ? 0 : 1, PRICE]);
  },
);
