import type { Db } from '@agentpay/primitives';
import {
  gasPayer,
  newPayer,
  nowSeconds,
  openBed,
  openDb,
  payer,
  pendingIn,
  randomNonce,
  signedRequest,
  until,
  type Bed,
} from './payment.fixture.js';

/** The database, but for the first responses to transactions, which get lost after the commit. */
function losing(db: Db, answers: number): Db {
  let left = answers;
  return {
    ...db,
    async tx(work) {
      const result = await db.tx(work);
      if (left-- > 0) throw new Error('The connection was lost.');
      return result;
    },
  };
}

describe('a database whose responses get lost', () => {
  let db: Db;
  let bed: Bed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => void (bed = await openBed(db)));
  afterEach(() => bed.close());

  it('never makes a payment look unsent whose signed transaction may be on record', async () => {
    const facilitator = await bed.start({ db: losing(db, 1) });
    const request = await signedRequest();
    expect(await pendingIn(bed, facilitator.settle(request))).toMatchObject({
      success: false,
      errorReason: 'settlement_pending',
    });
    bed.mine();
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('fails by proof only what expired meanwhile', async () => {
    await bed.chain.mine();
    let [records, questions] = [0, 0];
    const lossy = losing(db, 1);
    const counted: Db = {
      ...lossy,
      query: (...statement) => (questions++, lossy.query(...statement)),
      tx: (work) => (records++, lossy.tx(work)),
    };
    const facilitator = await bed.start({ db: counted });
    const request = await signedRequest();
    expect(await pendingIn(bed, facilitator.settle(request))).toMatchObject({
      success: false,
      errorReason: 'settlement_pending',
    });
    bed.skip(301_000);
    // The batch is tried again. No block is past its end yet: a transaction on record might still be in one.
    const again = facilitator.settle(request);
    await until(() => records > 1);
    const before = questions;
    await until(() => questions > before + 5);
    bed.endWaits();
    expect(await again).toMatchObject({ success: false, errorReason: 'settlement_pending' });
    bed.mine();
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_payload_authorization_valid_before',
    });
    expect(bed.chain.transfers()).toHaveLength(0);
  });

  it('never ends a payment for the failure of an earlier one with its nonce, of which the response got lost', async () => {
    let lost = 0;
    let loses = true;
    const forgetful: Db = {
      ...db,
      async query<Row>(...statement: Parameters<Db['query']>) {
        const rows = await db.query<Row>(...statement);
        if (!loses || !statement[0].includes("where id = $1 and state in ('claimed', 'sent')")) return rows;
        lost += 1;
        throw new Error('The connection was lost.');
      },
    };
    const facilitator = await bed.start({ db: forgetful, bumpAfterMs: 50 });
    const nonce = randomNonce();
    const first = await signedRequest({ authorization: { nonce } });
    expect(await pendingIn(bed, facilitator.settle(first))).toMatchObject({
      errorReason: 'settlement_pending',
    });
    bed.chain.forgetPool();
    bed.skip(301_000);
    await bed.chain.mine();
    await until(() => lost > 0);

    const second = await signedRequest({ authorization: { nonce, validBefore: nowSeconds() + 900n } });
    expect(await pendingIn(bed, facilitator.settle(second))).toMatchObject({
      errorReason: 'settlement_pending',
    });
    const before = lost;
    await until(() => lost > before + 1);
    expect(await db.query('select state from facilitator_settlements')).toEqual([{ state: 'sent' }]);
    loses = false;
    bed.mine();
    expect(await facilitator.settle(second)).toMatchObject({ success: true });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('never sends a transaction of which the response got lost for a payment that was refused meanwhile', async () => {
    const accounts = [gasPayer, newPayer()];
    const first = await bed.start({ db: losing(db, 1), accounts });
    const answer = first.settle(await signedRequest());
    // By the other account: the first one rests after its failure.
    await until(() => bed.chain.calls.send === 1);
    bed.chain.setBlacklisted(payer.address, true);
    bed.mine();
    expect(await answer).toMatchObject({ errorReason: 'invalid_exact_evm_transaction_simulation_failed' });
    await first.close();
    bed.chain.setBlacklisted(payer.address, false);

    await bed.start({ accounts });
    const used = await Promise.all(
      accounts.map(({ address }) => bed.chain.transactionCount(address, 'latest')),
    );
    expect(used).toEqual([0, 1]);
    while ((await bed.chain.transactionCount(gasPayer.address, 'latest')) === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(bed.chain.transfers()).toEqual([]);
  });
});
