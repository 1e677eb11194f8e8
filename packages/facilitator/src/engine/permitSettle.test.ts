import type { Db } from '@agentpay/primitives';
import {
  EIP2612_GAS_SPONSORING,
  exactPermit2PayloadSchema,
  gasSponsoringIn,
  PERMIT2,
  toPermit2Authorization,
  type FacilitatorRequest,
  type GasSponsoring,
  type Hex,
} from '@agentpay/protocol';
import {
  allowanceCall,
  exactSettleCall,
  fiatTokenAbi,
  parseSignature,
  type Call,
  type EcdsaSignature,
} from '@agentpay/evm';
import { encodeFunctionData } from 'viem';
import { openPermit2, permitRequest } from './permit.fixture.js';
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

/** The same permit, of which the seller takes another amount. */
const taking = (request: FacilitatorRequest, amount: string) =>
  ({ ...request, paymentRequirements: { ...request.paymentRequirements, amount } }) as FacilitatorRequest;

/** The permit of a token, brought by itself. */
function tokenPermitCall(to: Hex, { from, spender, amount, deadline, signature }: GasSponsoring): Call {
  const { v, r, s } = parseSignature(signature) as EcdsaSignature;
  const args = [from, spender, BigInt(amount), BigInt(deadline), v, r, s] as const;
  return { to, data: encodeFunctionData({ abi: fiatTokenAbi, functionName: 'permit', args }) };
}

const stranger = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';

let db: Db;
let bed: Bed;
beforeAll(async () => void (db = await openDb()));
afterAll(() => db.close());
beforeEach(async () => {
  bed = await openBed(db);
  openPermit2(bed, payer.address);
});
afterEach(() => bed.close());

describe.each(['exact', 'upto'] as const)('settle of %s by Permit2', (scheme) => {
  it('moves the money once for 20 equal calls, which all get the same response', async () => {
    const facilitator = await bed.start();
    bed.mine();
    const request = await permitRequest({ scheme });
    const answers = await Promise.all(Array.from({ length: 20 }, () => facilitator.settle(request)));
    const amount = scheme === 'upto' ? { amount: '10000' } : {};
    const transaction = expect.stringMatching(/^0x[0-9a-f]{64}$/);
    expect(answers[0]).toEqual({
      success: true,
      transaction,
      network: network.id,
      payer: payer.address,
      ...amount,
    });
    expect(new Set(answers.map((answer) => JSON.stringify({ ...answer, repeat: undefined }))).size).toBe(1);
    // Whoever ignores the mark has the same response; whoever heeds it delivers once.
    expect(answers.filter(({ repeat }) => !repeat)).toHaveLength(1);
    expect(await facilitator.settle(request)).toEqual({ ...answers[0], repeat: true });
    expect(bed.chain.transfers()).toHaveLength(1);
    expect(bed.chain.balanceOf(seller)).toBe(10_000n);
  });

  it('settles payments of one payer and of many, each in a transaction of its own, beside those by EIP-3009', async () => {
    const facilitator = await bed.start();
    const others = Array.from({ length: 3 }, newPayer);
    openPermit2(bed, ...others.map(({ address }) => address));
    const requests = await Promise.all([
      ...[payer, payer, ...others].map((account) => permitRequest({ scheme, account })),
      signedRequest(),
      signedRequest(),
    ]);
    bed.mine();
    const answers = await Promise.all(requests.map((request) => facilitator.settle(request)));
    expect(answers.filter(({ success }) => !success)).toEqual([]);
    expect(new Set(answers.slice(0, 5).map(({ transaction }) => transaction)).size).toBe(5);
    expect(bed.chain.transfers()).toHaveLength(7);
  });

  it('refuses the same permit for another purchase, and its nonce for another permit', async () => {
    const facilitator = await bed.start();
    bed.mine();
    const nonce = BigInt(randomNonce());
    const first = await permitRequest({ scheme, permit: { nonce } });
    expect((await facilitator.settle(first)).success).toBe(true);
    const permit = { nonce, deadline: nowSeconds() + 301n };
    const [elsewhere, other] = [structuredClone(first), await permitRequest({ scheme, permit })];
    (elsewhere.paymentPayload as { resource?: { url: string } }).resource = {
      url: 'https://seller.example/other',
    };
    expect(await facilitator.settle(elsewhere)).toMatchObject({
      success: false,
      errorReason: 'duplicate_settlement',
      transaction: '',
    });
    expect(await facilitator.settle(other)).toMatchObject({
      success: false,
      errorReason: 'permit2_invalid_nonce',
      transaction: '',
    });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('fails a permit whose payer takes the allowance back on the way, and settles it when it is given again', async () => {
    const facilitator = await bed.start();
    const request = await permitRequest({ scheme });
    const answer = facilitator.settle(request);
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    bed.chain.approve(payer.address, PERMIT2, 0n);
    bed.mine();
    expect(await answer).toMatchObject({
      success: false,
      errorReason: 'permit2_simulation_failed',
      transaction: '',
    });
    expect(bed.chain.transfers()).toHaveLength(0);
    bed.chain.approve(payer.address, PERMIT2, 10_000n);
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
  });

  it('answers pending when no block comes, and settles after a restart with the same transaction', async () => {
    const first = await bed.start();
    const request = await permitRequest({ scheme });
    const pending = await pendingIn(bed, first.settle(request));
    expect(pending).toMatchObject({ success: false, errorReason: 'settlement_pending' });
    await first.close();
    const heir = await bed.start();
    expect(heir.resumed).toBe(1);
    bed.mine();
    expect(await heir.settle(request)).toMatchObject({ success: true, transaction: pending.transaction });
    expect(bed.chain.transfers()).toHaveLength(1);
  });
});

describe('settle of exact by Permit2', () => {
  it('takes a payment that somebody else broadcast first for paid, and not another one of the same amount', async () => {
    const facilitator = await bed.start();
    const [request, twin] = [await permitRequest(), await permitRequest()];
    expect(callOf(twin)).not.toEqual(callOf(request));
    const answer = facilitator.settle(request);
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    await bed.chain.act(callOf(twin));
    await bed.chain.act(callOf(request));
    expect(await answer).toMatchObject({ success: true });
    expect(bed.chain.transfers()).toHaveLength(2);
    expect(await facilitator.settle(twin)).toMatchObject({
      success: false,
      errorReason: 'permit2_invalid_nonce',
    });
  });
});

describe('settle of exact by Permit2 for a payer without gas', () => {
  /** Who has let nobody move anything. */
  function newcomer(): typeof payer {
    const account = newPayer();
    bed.chain.mint(account.address, 1_000_000n);
    return account;
  }
  const allowed = async (owner: typeof payer) => {
    const [result] = await bed.chain.read([allowanceCall(network.usdc.address, owner.address, PERMIT2)]);
    return BigInt(result?.data as Hex);
  };

  it('brings the permit of the token to the chain with the payment, once, and leaves nothing allowed', async () => {
    const facilitator = await bed.start();
    bed.mine();
    const account = newcomer();
    expect(await facilitator.verify(await permitRequest({ account }))).toMatchObject({
      invalidReason: 'permit2_allowance_required',
    });
    const request = await permitRequest({ account, allowance: {} });
    expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: account.address });
    const answers = await Promise.all([1, 2, 3].map(() => facilitator.settle(request)));
    expect(answers.map(({ success }) => success)).toEqual([true, true, true]);
    expect([bed.chain.balanceOf(seller), await allowed(account)]).toEqual([10_000n, 0n]);
    // The next one has the next nonce of the token; a used one lets nobody move anything.
    for (const [nonce, success] of [
      [0n, false],
      [1n, true],
    ] as const)
      expect(await facilitator.settle(await permitRequest({ account, allowance: { nonce } }))).toMatchObject({
        success,
      });
    expect(bed.chain.balanceOf(seller)).toBe(20_000n);
  });

  it('settles when somebody else has brought that permit before', async () => {
    const facilitator = await bed.start();
    bed.mine();
    const account = newcomer();
    const request = await permitRequest({ account, allowance: {} });
    if (request.x402Version !== 2) throw new Error('It is of version 2.');
    const brought = gasSponsoringIn(request.paymentPayload.extensions) as GasSponsoring;
    await bed.chain.act(tokenPermitCall(network.usdc.address, brought));
    expect(await allowed(account)).toBe(10_000n);
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
  });

  it('goes on after a restart with the same transaction', async () => {
    const first = await bed.start();
    const request = await permitRequest({ account: newcomer(), allowance: {} });
    const pending = await pendingIn(bed, first.settle(request));
    await first.close();
    const heir = await bed.start();
    bed.mine();
    expect(await heir.settle(request)).toMatchObject({ success: true, transaction: pending.transaction });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it.each([
    ['another spender', { spender: stranger }, 'eip2612_spender_not_permit2'],
    ['another owner', { owner: stranger }, 'eip2612_from_mismatch'],
    ['more than the payment', { value: 2n ** 256n - 1n }, 'permit2_2612_amount_mismatch'],
    ['an end that is past', { deadline: 1n }, 'eip2612_deadline_expired'],
    ['another nonce of the token', { nonce: 7n }, 'permit2_allowance_required'],
  ] as const)('refuses a permit of the token with %s', async (_name, allowance, invalidReason) => {
    const facilitator = await bed.start();
    const request = await permitRequest({ account: newcomer(), allowance });
    expect(await facilitator.verify(request)).toMatchObject({ isValid: false, invalidReason });
  });

  it('refuses a permit that is malformed, and takes the echo of a seller that no permit is in', async () => {
    const facilitator = await bed.start();
    const request = await permitRequest({ allowance: {} });
    if (request.x402Version !== 2) throw new Error('It is of version 2.');
    const withInfo = (info: object) => ({
      ...request,
      paymentPayload: { ...request.paymentPayload, extensions: { [EIP2612_GAS_SPONSORING]: { info } } },
    });
    const { signature, ...rest } = gasSponsoringIn(request.paymentPayload.extensions) as GasSponsoring;
    for (const info of [
      { signature },
      { ...rest, signature: `${signature}00` },
      { ...rest, signature: `0x${'ff'.repeat(65)}` },
    ])
      await expect(facilitator.verify(withInfo(info))).rejects.toMatchObject({
        kind: 'payment_malformed',
        reason: 'invalid_eip2612_extension_format',
      });
    expect(await facilitator.verify(withInfo({ version: '1' }))).toMatchObject({ isValid: true });
  });
});

describe('settle of exact by Permit2, whose nonce another permit used', () => {
  it('is pending as long as a block could take it, and failed afterwards', async () => {
    const facilitator = await bed.start();
    const nonce = BigInt(randomNonce());
    const [request, other] = [
      await permitRequest({ permit: { nonce } }),
      await permitRequest({ permit: { nonce }, witness: { to: stranger } }),
    ];
    const pending = facilitator.settle(request);
    await until(() => (bed.chain.calls.send ?? 0) > 0);
    await bed.chain.act(callOf(other));
    bed.mine();
    const blocks = bed.chain.calls.block ?? 0;
    await until(() => (bed.chain.calls.block ?? 0) > blocks + 10);
    bed.endWaits();
    expect(await pending).toMatchObject({ success: false, errorReason: 'settlement_pending' });
    bed.skip(400_000);
    await until(async () => (await statesIn(db)).includes('failed'));
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: 'permit2_deadline_expired',
    });
    expect([bed.chain.balanceOf(seller), bed.chain.balanceOf(stranger)]).toEqual([0n, 10_000n]);
  });
});

describe('settle of upto', () => {
  it('moves what is due, less than the payer permitted, from the account that the payer named', async () => {
    const other = newPayer();
    const facilitator = await bed.start({ accounts: [gasPayer, other] });
    bed.mine();
    const requests = await Promise.all(Array.from({ length: 4 }, () => permitRequest({ scheme: 'upto' })));
    const answers = await Promise.all(
      requests.map((request, i) => facilitator.settle(taking(request, String(i + 1)))),
    );
    expect(answers.map(({ success, amount }) => [success, amount])).toEqual(
      ['1', '2', '3', '4'].map((amount) => [true, amount]),
    );
    expect(bed.chain.balanceOf(seller)).toBe(10n);
    expect(await bed.chain.transactionCount(gasPayer.address, 'latest')).toBe(4);
    expect(await bed.chain.transactionCount(other.address, 'latest')).toBe(0);
  });

  it('takes one part of a permit, once', async () => {
    const facilitator = await bed.start();
    bed.mine();
    const request = await permitRequest({ scheme: 'upto' });
    expect(await facilitator.settle(taking(request, '4000'))).toMatchObject({
      success: true,
      amount: '4000',
    });
    expect(await facilitator.settle(taking(request, '6000'))).toMatchObject({
      success: false,
      errorReason: 'duplicate_settlement',
    });
    expect(await facilitator.settle(taking(request, '4000'))).toMatchObject({
      success: true,
      amount: '4000',
    });
    expect(bed.chain.balanceOf(seller)).toBe(4_000n);
  });

  it('needs no transaction when nothing is due, and refuses more than the payer permitted', async () => {
    const facilitator = await bed.start();
    const request = await permitRequest({ scheme: 'upto' });
    const nothing = {
      success: true,
      transaction: '',
      network: network.id,
      payer: payer.address,
      amount: '0',
    };
    expect(await facilitator.settle(taking(request, '0'))).toEqual(nothing);
    const reason = 'invalid_upto_evm_payload_settlement_exceeds_amount';
    expect(await facilitator.settle(taking(request, '10001'))).toMatchObject({
      success: false,
      errorReason: reason,
      transaction: '',
    });
    expect(bed.chain.calls.send).toBeUndefined();
  });
});

/** What anybody may send for a payment of scheme exact. */
function callOf(request: FacilitatorRequest) {
  const { permit2Authorization, signature } = exactPermit2PayloadSchema.parse(request.paymentPayload.payload);
  return exactSettleCall(toPermit2Authorization(permit2Authorization), signature);
}
