import { isAgentPayError, type Db } from '@agentpay/primitives';
import { createFeeGauge } from '@agentpay/evm';
import type { FacilitatorOptions } from './Facilitator.js';
import { nowSeconds, openBed, openDb, signedRequest, statesIn, until, type Bed } from './payment.fixture.js';

const unavailable = (error: unknown) => isAgentPayError(error, 'facilitator_unavailable') && error.retryAfter;

describe('a limit on fees', () => {
  let db: Db;
  let bed: Bed;
  let asked = 0n;
  let looks = 0;
  /** Looks at the fees when a payment was claimed. */
  let looksAtClaim = Infinity;
  let failed = false;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => {
    [asked, looks, looksAtClaim, failed] = [50n, 0, Infinity, false];
    bed = await openBed(db);
    bed.mine();
  });
  afterEach(() => bed.close());

  function start(options: Partial<FacilitatorOptions> = {}) {
    const chain = {
      ...bed.chain,
      fees: async () => (looks++, { maxFeePerGas: asked, maxPriorityFeePerGas: 1n }),
    };
    return bed.start({
      chain,
      fees: createFeeGauge({ chain, clock: bed.clock, maxFeePerGas: 50n }),
      onError: (what) => void (failed ||= what === 'send'),
      ...options,
    });
  }

  /** The database, and fees that rise as soon as a payment is claimed. */
  const dearOnceClaimed: Db = {
    query(sql, params) {
      if (sql.includes('insert into facilitator_settlements')) {
        setFee(51n);
        looksAtClaim = looks;
      }
      return db.query(sql, params);
    },
    tx: (work) => db.tx(work),
    exec: (sql) => db.exec(sql),
    close: () => db.close(),
  };

  function setFee(fee: bigint): void {
    asked = fee;
    bed.skip(2_000);
  }

  const states = () => statesIn(db);

  it('keeps a payment from being claimed while gas costs more, and takes it when gas is cheaper', async () => {
    const facilitator = await start();
    setFee(51n);
    const request = await signedRequest();
    const refused = await facilitator.settle(request).catch(unavailable);
    expect(refused).toBe(10);
    expect(await states()).toEqual([]);
    expect((await facilitator.verify(request)).isValid).toBe(true);
    setFee(50n);
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
  });

  it('keeps what was claimed before fees rose, and sends it when they come down', async () => {
    const facilitator = await start({ db: dearOnceClaimed });
    const response = facilitator.settle(await signedRequest());
    await until(() => looks > looksAtClaim);
    expect(bed.chain.calls.send).toBeUndefined();
    expect(await states()).toEqual(['claimed']);
    setFee(50n);
    expect(await response).toMatchObject({ success: true });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('gives a claim up with its caller, and before its authorization ends', async () => {
    const facilitator = await start({ db: dearOnceClaimed });
    const given = facilitator.settle(await signedRequest()).catch(unavailable);
    await until(() => failed);
    bed.endWaits();
    expect(await given).toBe(5);
    expect(await states()).toEqual(['failed']);
    setFee(50n);
    looksAtClaim = Infinity;
    const patient = await start({ db: dearOnceClaimed });
    const response = patient.settle(
      await signedRequest({ authorization: { validBefore: nowSeconds() + 100n } }),
    );
    await until(() => looks > looksAtClaim);
    bed.skip(100_000);
    expect(await response).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_payload_authorization_valid_before',
    });
    expect(bed.chain.calls.send).toBeUndefined();
  });
});
