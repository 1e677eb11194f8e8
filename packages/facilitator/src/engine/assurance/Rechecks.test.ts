import type { Db } from '@agentpay/primitives';
import type { Chain } from '@agentpay/evm';
import type { FacilitatorRequest, Hex } from '@agentpay/protocol';
import { newPayer, openBed, openDb, signedRequest, until, type Bed } from '../payment.fixture.js';

describe('when the chain loses blocks and makes others with the same account nonces', () => {
  const account = newPayer();
  const reports: string[] = [];
  const onError = (what: string) => void reports.push(what);
  let db: Db;
  let bed: Bed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => {
    bed = await openBed(db);
    bed.chain.mint(account.address, 10_000n);
    reports.length = 0;
  });
  afterEach(() => bed.close());

  const record = async () =>
    (await db.query<{ state: string; hash: Hex }>('select state, hash from facilitator_settlements'))[0];
  const stateBecomes = (wanted: string) => becomes(async () => (await record())?.state === wanted);
  async function becomes(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Settles a payment of all that the account has, in a block that is then lost. */
  async function settledAndLost() {
    const facilitator = await bed.start({ onError });
    const request = await signedRequest({ account });
    const response = facilitator.settle(request);
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    await bed.chain.mine();
    expect(await response).toMatchObject({ success: true });
    bed.chain.reorg(1);
    return { facilitator, request, first: (await response).transaction };
  }

  /** The same, and the block is made anew without the money for it. */
  async function settledAndUndone() {
    const settled = await settledAndLost();
    bed.chain.mint(account.address, -10_000n);
    await bed.chain.mine();
    expect(bed.chain.transfers()).toEqual([]);
    return settled;
  }

  it('finds a payment undone whose transaction mined again without it, and makes it in another', async () => {
    const { facilitator, request, first } = await settledAndUndone();
    bed.chain.mint(account.address, 10_000n);
    bed.mine();
    bed.skip(10_000);
    await becomes(async () => bed.chain.transfers().length === 1 && (await record())?.state === 'settled');
    const again = await facilitator.settle(request);
    expect(again).toMatchObject({ success: true, transaction: (await record())?.hash });
    expect(again.transaction).not.toBe(first);
    expect(reports).toContain('reorganisation');
    bed.skip(60_000);
    expect(await facilitator.settle(request)).toEqual(again);
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  /** The same, but the money is gone when its transaction is broadcast again. */
  async function settledAndSentAgain() {
    const settled = await settledAndLost();
    bed.chain.forgetPool();
    bed.chain.mint(account.address, -10_000n);
    bed.skip(30_000);
    await until(() => bed.chain.calls.send === 2);
    return settled;
  }

  it('makes a payment in another, whose transaction was broadcast again and reverted', async () => {
    const { facilitator, request, first } = await settledAndSentAgain();
    await bed.chain.mine();
    await until(() => bed.chain.calls.send === 3);
    expect((await record())?.state).toBe('sent');
    bed.chain.mint(account.address, 10_000n);
    await bed.chain.mine();
    await stateBecomes('settled');
    const again = await facilitator.settle(request);
    expect(again).toMatchObject({ success: true, transaction: (await record())?.hash });
    expect(again.transaction).not.toBe(first);
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('records the failure of one whose second transaction is reverted too', async () => {
    await settledAndSentAgain();
    bed.mine();
    await stateBecomes('failed');
    expect(bed.chain.calls.send).toBe(3);
    expect(bed.chain.transfers()).toEqual([]);
  });

  it('records the failure of one that cannot be made again', async () => {
    const { facilitator, request } = await settledAndUndone();
    bed.mine();
    bed.skip(10_000);
    await stateBecomes('failed');
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_insufficient_balance',
    });
  });

  it('names the other attempt with the same nonce, when that made the payment in the end', async () => {
    const facilitator = await bed.start({ onError, bumpAfterMs: 50 });
    const request: FacilitatorRequest = await signedRequest({ account });
    const response = facilitator.settle(request);
    const attempts = () =>
      db.query<{ hash: Hex; raw: Hex }>('select hash, raw from facilitator_transactions order by attempt');
    await becomes(async () => (await attempts()).length > 1);
    await bed.chain.mine();
    const made = (await response).transaction;
    const other = (await attempts()).find(({ hash }) => hash !== made) as { hash: Hex; raw: Hex };
    bed.chain.reorg(1);
    bed.chain.forgetPool();
    await bed.chain.send(other.raw);
    await bed.chain.mine();
    expect(bed.chain.transfers()).toHaveLength(1);
    bed.skip(10_000);
    await becomes(async () => (await record())?.hash === other.hash);
    expect(await facilitator.settle(request)).toMatchObject({ success: true, transaction: other.hash });
    expect(reports).not.toContain('reorganisation');
  });

  it('believes a node that knows nothing of a payment only when it says so three times', async () => {
    let lag = 0;
    const chain: Chain = {
      ...bed.chain,
      receipts: (hashes) =>
        lag-- > 0 ? Promise.resolve(hashes.map(() => undefined)) : bed.chain.receipts(hashes),
      authorizationUse: (...asked) =>
        lag >= 0 ? Promise.resolve(undefined) : bed.chain.authorizationUse(...asked),
    };
    const facilitator = await bed.start({ onError, chain });
    const stop = bed.chain.mineEvery(5);
    const response = await facilitator.settle(await signedRequest({ account }));
    stop();
    lag = 2;
    bed.skip(10_000);
    await until(() => lag < 0);
    expect(await record()).toMatchObject({ state: 'settled', hash: response.transaction });
    expect(reports).toEqual([]);
  });
});
