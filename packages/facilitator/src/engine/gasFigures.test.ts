import type { Db } from '@agentpay/primitives';
import { openBed, openDb, signedRequest, until, type Bed } from './payment.fixture.js';
import type { MinedTransaction } from './sending/MinedTransaction.js';

describe('figures of gas', () => {
  let db: Db;
  let bed: Bed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => void (bed = await openBed(db)));
  afterEach(() => bed.close());

  it('hold a transaction whose payments the chain proved before its receipt was looked for, with all that it carried', async () => {
    const mined: MinedTransaction[] = [];
    const facilitator = await bed.start({
      // Receipts are looked for once a minute, proofs every 50 ms.
      pollMs: 60_000,
      repairEveryMs: 5,
      onTransaction: (transaction) => mined.push(transaction),
    });
    bed.mine();
    const requests = await Promise.all([1, 2, 3].map(() => signedRequest()));
    const settled = await Promise.all(requests.map((request) => facilitator.settle(request)));
    expect(settled.map(({ success }) => success)).toEqual([true, true, true]);
    const hashes = [...new Set(settled.map(({ transaction }) => transaction))];
    // The callers hear of their payments first.
    await until(() => mined.length >= hashes.length);
    expect(mined.map(({ hash }) => hash).sort()).toEqual(hashes.sort());
    expect(mined.reduce((sum, { payments }) => sum + payments, 0)).toBe(3);
  });
});
