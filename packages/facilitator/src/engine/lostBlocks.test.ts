import type { Db } from '@agentpay/primitives';
import { openBed, openDb, payer, signedRequest, type Bed } from './payment.fixture.js';

describe('when the chain loses blocks with settled payments, and its pool', () => {
  let db: Db;
  let bed: Bed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => void (bed = await openBed(db)));
  afterEach(() => bed.close());

  /** Settles some payments one after another, then takes all blocks back. */
  async function settledAndLost(count: number, options: { onError?: (what: string) => void } = {}) {
    const facilitator = await bed.start(options);
    const stop = bed.chain.mineEvery(5);
    const requests = await Promise.all(Array.from({ length: count }, () => signedRequest()));
    const answers = [];
    for (const request of requests) answers.push(await facilitator.settle(request));
    expect(answers.every(({ success }) => success)).toBe(true);
    stop();
    // A block that was being made when mining stopped is waited for.
    await bed.chain.mine();
    bed.chain.reorg(Infinity);
    bed.chain.forgetPool();
    expect(bed.chain.transfers()).toHaveLength(0);
    return { facilitator, requests, answers };
  }

  it('makes the same payments again by the same transactions, reports it, and goes on', async () => {
    const reports: string[] = [];
    const { facilitator, requests, answers } = await settledAndLost(3, {
      onError: (what) => reports.push(what),
    });
    bed.mine();
    expect(await facilitator.settle(await signedRequest())).toMatchObject({ success: true });
    expect(reports.filter((what) => what === 'reorganisation')).toHaveLength(3);
    expect(bed.chain.transfers()).toHaveLength(4);
    for (const [i, request] of requests.entries())
      expect(await facilitator.settle(request)).toEqual({ ...answers[i], repeat: true });
  });

  it('makes them again after a restart, with nothing else to send', async () => {
    const { facilitator, requests, answers } = await settledAndLost(2);
    await facilitator.close();
    bed.mine();
    const heir = await bed.start();
    while (bed.chain.transfers().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const [i, request] of requests.entries())
      expect(await heir.settle(request)).toEqual({ ...answers[i], repeat: true });
    expect(bed.chain.transfers()).toHaveLength(2);
  });

  it('proves the failure of a payment that cannot be made again', async () => {
    const { facilitator, requests } = await settledAndLost(1);
    bed.skip(400_000);
    bed.mine();
    const later = await signedRequest({
      authorization: { validBefore: BigInt(Math.floor(Date.now() / 1000)) + 1_000n },
    });
    expect(await facilitator.settle(later)).toMatchObject({ success: true });
    expect(await facilitator.settle(requests[0] as (typeof requests)[0])).toMatchObject({
      success: false,
      payer: payer.address,
    });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('closes at once while payments wait behind the loss', async () => {
    const { facilitator } = await settledAndLost(1);
    const waiting = facilitator.settle(await signedRequest());
    while ((bed.chain.calls.send ?? 0) < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    await facilitator.close();
    expect(await waiting).toMatchObject({ success: false, errorReason: 'settlement_pending' });
  });
});
