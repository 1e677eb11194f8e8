import { isAgentPayError, unixSeconds, type Db } from '@agentpay/primitives';
import { exactPayloadSchema, toAuthorization, type FacilitatorRequest, type Hex } from '@agentpay/protocol';
import { transferCall } from '@agentpay/evm';
import type { FacilitatorOptions } from './Facilitator.js';
import {
  gasPayer,
  network,
  newPayer,
  nowSeconds,
  openBed,
  openDb,
  payer,
  pendingIn,
  randomNonce,
  seller,
  signedRequest,
  statesIn,
  until,
  type Bed,
} from './payment.fixture.js';

const OTHER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';

function callOf(request: FacilitatorRequest) {
  const { authorization, signature } = exactPayloadSchema.parse(request.paymentPayload.payload);
  return transferCall(network.usdc.address, toAuthorization(authorization), signature);
}

describe('settle', () => {
  let db: Db;
  let bed: Bed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => void (bed = await openBed(db)));
  afterEach(() => bed.close());

  it.each([1, 2] as const)(
    'moves the money of a v%s payment and answers with its transaction',
    async (version) => {
      const facilitator = await bed.start();
      bed.mine();
      const request = await signedRequest({ version });
      const answer = await facilitator.settle(request);
      expect(answer).toEqual({
        success: true,
        transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        network: version === 1 ? 'base-sepolia' : 'eip155:84532',
        payer: payer.address,
      });
      const [receipt] = await bed.chain.receipts([answer.transaction as Hex]);
      expect(receipt?.success).toBe(true);
      expect(bed.chain.balanceOf(seller)).toBe(10_000n);
    },
  );

  it('moves the money once for 50 equal calls, which all get the same response', async () => {
    const facilitator = await bed.start();
    bed.mine();
    const request = await signedRequest();
    const answers = await Promise.all(Array.from({ length: 50 }, () => facilitator.settle(request)));
    expect(new Set(answers.map((answer) => JSON.stringify({ ...answer, repeat: undefined }))).size).toBe(1);
    // Whoever ignores the mark has the same response; whoever heeds it delivers once.
    expect(answers.filter(({ repeat }) => !repeat)).toHaveLength(1);
    expect(answers[0]?.success).toBe(true);
    expect(bed.chain.transfers()).toHaveLength(1);
    expect(await facilitator.settle(request)).toEqual({ ...answers[0], repeat: true });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('carries many payments in fewer transactions, and a bad one does not sink the others', async () => {
    // Nobody is sent before all have come.
    const facilitator = await bed.start({ batchWindowMs: 60_000, maxBatch: 22 });
    const poor = newPayer();
    bed.chain.mint(poor.address, 10_000n);
    // Both of the poor payer's authorizations pass the checks; only one can move the money.
    const requests = await Promise.all([
      ...Array.from({ length: 20 }, () => signedRequest()),
      signedRequest({ account: poor }),
      signedRequest({ account: poor }),
    ]);
    const answers = Promise.all(requests.map((request) => facilitator.settle(request)));
    bed.mine();
    const results = await answers;
    expect(results.filter(({ success }) => success)).toHaveLength(21);
    expect(results.filter(({ success }) => !success)).toEqual([
      expect.objectContaining({
        errorReason: 'invalid_exact_evm_insufficient_balance',
        transaction: '',
        payer: poor.address,
      }),
    ]);
    expect(bed.chain.transfers()).toHaveLength(21);
    expect(await bed.chain.transactionCount(gasPayer.address, 'latest')).toBeLessThan(10);
  });

  it('refuses the same authorization for another purchase, and its nonce for another payee', async () => {
    const facilitator = await bed.start();
    bed.mine();
    const nonce = randomNonce();
    const first = await signedRequest({ authorization: { nonce } });
    expect((await facilitator.settle(first)).success).toBe(true);
    const elsewhere = structuredClone(first) as {
      paymentPayload: { resource: { url: string } };
    } & FacilitatorRequest;
    elsewhere.paymentPayload.resource.url = 'https://seller.example/other';
    expect(await facilitator.settle(elsewhere)).toMatchObject({
      success: false,
      errorReason: 'duplicate_settlement',
      transaction: '',
    });
    const toOther = await signedRequest({ authorization: { nonce }, payTo: OTHER });
    expect(await facilitator.settle(toOther)).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_nonce_already_used',
    });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('grants only one of two purchases that race for one authorization', async () => {
    const facilitator = await bed.start();
    bed.mine();
    const nonce = randomNonce();
    const validBefore = nowSeconds() + 200n;
    const requests = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        signedRequest({ authorization: { nonce, validBefore }, resource: `https://seller.example/${i}` }),
      ),
    );
    const answers = await Promise.all(requests.map((request) => facilitator.settle(request)));
    expect(answers.filter(({ success }) => success)).toHaveLength(1);
    expect(answers.filter(({ errorReason }) => errorReason === 'duplicate_settlement')).toHaveLength(9);
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('answers pending with the hash when no block comes, and with success once one has', async () => {
    const facilitator = await bed.start();
    const request = await signedRequest();
    const pending = await pendingIn(bed, facilitator.settle(request));
    expect(pending).toMatchObject({ success: false, errorReason: 'settlement_pending' });
    expect(pending.transaction).toMatch(/^0x[0-9a-f]{64}$/);
    bed.mine();
    expect(await facilitator.settle(request)).toMatchObject({
      success: true,
      transaction: pending.transaction,
    });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('takes a payment that somebody else broadcast first for paid', async () => {
    const facilitator = await bed.start();
    const request = await signedRequest();
    const answer = facilitator.settle(request);
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    await bed.chain.act(callOf(request));
    const settled = await answer;
    expect(settled.success).toBe(true);
    const [receipt] = await bed.chain.receipts([settled.transaction as Hex]);
    expect(receipt?.logs).toHaveLength(2);
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('refuses a payment that was used before it was ever asked to settle it', async () => {
    const facilitator = await bed.start();
    const request = await signedRequest();
    await bed.chain.act(callOf(request));
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_nonce_already_used',
    });
  });

  it('believes no success without the logs of the transfer, and finds the transfer when it comes', async () => {
    const facilitator = await bed.start();
    bed.chain.fault({ on: 'receipts', kind: 'invented' });
    const request = await signedRequest();
    const answer = facilitator.settle(request);
    await until(() => (bed.chain.calls.receipts ?? 0) > 0);
    const looks = bed.chain.calls.transactionCount ?? 0;
    await until(() => (bed.chain.calls.transactionCount ?? 0) > looks + 2);
    const pending = await pendingIn(bed, answer);
    expect(pending).toMatchObject({ success: false, errorReason: 'settlement_pending' });
    expect(bed.chain.transfers()).toHaveLength(0);
    bed.mine();
    expect(await facilitator.settle(request)).toMatchObject({
      success: true,
      transaction: pending.transaction,
    });
  });

  it('lets no payment wait for others that is near its end', async () => {
    // For the facilitator it has nine seconds left however long the test takes, for the chain a minute.
    const now = bed.clock.now() + 51_000;
    const clock = { ...bed.clock, now: () => now };
    const facilitator = await bed.start({ batchWindowMs: 60_000, clock });
    bed.mine();
    const patient = facilitator.settle(await signedRequest());
    const pressing = await signedRequest({ authorization: { validBefore: BigInt(unixSeconds(clock)) + 9n } });
    expect(await facilitator.settle(pressing)).toMatchObject({ success: true });
    expect(await patient).toMatchObject({ success: true });
  });

  it('sends the payment of an account with code in a transaction of its own', async () => {
    const facilitator = await bed.start({ batchWindowMs: 60_000, maxBatch: 3 });
    const account = newPayer().address;
    bed.chain.mint(account, 10_000n);
    bed.chain.setAccount(account, (_digest, signature) => signature === `0x${'ab'.repeat(70)}`);
    const requests = await Promise.all([
      signedRequest({ authorization: { from: account }, signature: `0x${'ab'.repeat(70)}` }),
      signedRequest(),
      signedRequest(),
    ]);
    bed.mine();
    const answers = await Promise.all(requests.map((request) => facilitator.settle(request)));
    expect(answers.map(({ success }) => success)).toEqual([true, true, true]);
    expect(answers[0]?.transaction).not.toBe(answers[1]?.transaction);
    expect(answers[1]?.transaction).toBe(answers[2]?.transaction);
  });

  it('lets code of a payer burn no more gas than it may', async () => {
    const facilitator = await bed.start({ gas: { account: 123_456n, permit2Account: 0n, deployment: 0n } });
    bed.mine();
    const account = newPayer().address;
    bed.chain.mint(account, 10_000n);
    bed.chain.setAccount(account, () => true);
    const ofCode = { authorization: { from: account }, signature: `0x${'ab'.repeat(70)}` } as const;
    expect((await facilitator.settle(await signedRequest(ofCode))).success).toBe(true);
    expect(await db.query('select gas from facilitator_transactions')).toEqual([{ gas: '123456' }]);
  });

  it('survives a node whose response to the broadcast got lost, and one that lost the transaction', async () => {
    const facilitator = await bed.start({ bumpAfterMs: 50 });
    bed.chain.fault({ on: 'send', kind: 'response_lost' });
    const first = facilitator.settle(await signedRequest());
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    bed.chain.forgetPool();
    bed.mine();
    expect((await first).success).toBe(true);
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('fails an authorization that expired unused, and lets the signer account go on', async () => {
    const facilitator = await bed.start({ bumpAfterMs: 100 });
    bed.chain.fault({ on: 'send', kind: 'refused' }, Infinity);
    const answer = facilitator.settle(
      await signedRequest({ authorization: { validBefore: nowSeconds() + 60n } }),
    );
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    bed.skip(61_000);
    await bed.chain.mine();
    expect(await answer).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_payload_authorization_valid_before',
    });
    bed.chain.heal();
    bed.mine();
    const later = await signedRequest({ authorization: { validBefore: nowSeconds() + 600n } });
    expect(await facilitator.settle(later)).toMatchObject({ success: true });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('waits for the confirmations asked for, also when the first block is taken back', async () => {
    const facilitator = await bed.start({ confirmations: 2 });
    const answer = facilitator.settle(await signedRequest());
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    await bed.chain.mine();
    expect(bed.chain.transfers()).toHaveLength(1);
    bed.chain.reorg(1);
    expect(bed.chain.transfers()).toHaveLength(0);
    bed.mine();
    expect((await answer).success).toBe(true);
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('sends again what cannot be mined, because somebody else used the account nonce', async () => {
    const facilitator = await bed.start();
    bed.chain.fault({ on: 'send', kind: 'unreachable' }, Infinity);
    const answer = facilitator.settle(await signedRequest());
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    const fees = { maxFeePerGas: 9_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n };
    const foreign = {
      type: 'eip1559',
      chainId: network.chainId,
      nonce: 0,
      to: seller,
      gas: 21_000n,
      ...fees,
    } as const;
    const raw = await gasPayer.signTransaction(foreign);
    bed.chain.heal();
    await bed.chain.send(raw);
    bed.mine();
    expect((await answer).success).toBe(true);
    expect(bed.chain.transfers()).toHaveLength(1);
    expect(await bed.chain.transactionCount(gasPayer.address, 'latest')).toBe(2);
  });

  it('shares the work among its signer accounts', async () => {
    const second = newPayer();
    const facilitator = await bed.start({ accounts: [gasPayer, second], maxBatch: 4 });
    bed.mine();
    const requests = await Promise.all(Array.from({ length: 40 }, () => signedRequest()));
    const answers = await Promise.all(requests.map((request) => facilitator.settle(request)));
    expect(answers.every(({ success }) => success)).toBe(true);
    for (const { address } of [gasPayer, second])
      expect(await bed.chain.transactionCount(address, 'latest')).toBeGreaterThan(2);
    expect(bed.chain.transfers()).toHaveLength(40);
  });

  it('takes no more than it has room for, and says so', async () => {
    const facilitator = await bed.start({ maxInFlight: 3 });
    const requests = await Promise.all(Array.from({ length: 5 }, () => signedRequest()));
    const told = Promise.allSettled(requests.map((request) => facilitator.settle(request)));
    await until(async () => (await statesIn(db)).join() === 'sent,sent,sent');
    bed.endWaits();
    const results = await told;
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(refused).toHaveLength(2);
    expect(refused.every((error) => isAgentPayError(error, 'facilitator_overloaded'))).toBe(true);
  });

  /** Asks for a payment on a chain that tells no fees, and gives it up once a batch has failed. */
  async function giveUp(why: string, options: Partial<FacilitatorOptions> = {}): Promise<void> {
    let failed = false;
    const facilitator = await bed.start({ ...options, onError: (what) => void (failed ||= what === 'send') });
    bed.chain.fault({ on: 'fees', kind: 'unreachable' }, Infinity);
    const refused = expect(facilitator.settle(await signedRequest())).rejects.toThrow(why);
    await until(() => failed);
    bed.endWaits();
    await refused;
  }

  it('leaves no claim behind that the database did not let it give up', async () => {
    let failures = 1;
    const failing: Db = {
      ...db,
      query(sql, params) {
        const fails = /'failed', reason = \$2/.test(sql) && failures-- > 0;
        return fails ? Promise.reject(new Error('away')) : db.query(sql, params);
      },
    };
    await giveUp('away', { db: failing });
    const states = () => statesIn(db);
    expect(await states()).toEqual(['claimed']);
    // A claim is abandoned when it is twice as old as anybody waits.
    bed.skip(200_000);
    while ((await states())[0] === 'claimed') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await states()).toEqual(['failed']);
    expect(bed.chain.calls.send).toBeUndefined();
  });

  it('sends nothing later when the chain could not be reached in time', async () => {
    await giveUp('could not be sent in time');
    // Longer than the pause after which a batch is tried again.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(bed.chain.calls.send).toBeUndefined();
  });
});
