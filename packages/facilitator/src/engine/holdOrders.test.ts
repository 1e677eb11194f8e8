import type { Db } from '@agentpay/primitives';
import {
  AGREEMENT_OPERATOR,
  agreementSaltNonce,
  boundSalt,
  captureOrderOf,
  earlyCaptureTypedData,
  privateKeySigner,
  type AuthCaptureOrder,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import { reclaimCall, SIMULATED_STORE, voidCall } from '@agentpay/evm';
import {
  asRequest,
  authorizer,
  captureOf,
  escrow,
  feeRecipient,
  newHold,
  openEscrow,
  ordered,
  receiver,
  refundOf,
  signOrder,
  signVoid,
  voidOf,
  type Held,
  type HoldOptions,
} from './escrow.fixture.js';
import type { RunningFacilitator } from './Facilitator.js';
import {
  gasPayer,
  network,
  newPayer,
  nowSeconds,
  openBed,
  openDb,
  payer,
  until,
  type Bed,
} from './payment.fixture.js';

const stranger = newPayer();
let db: Db;
let bed: Bed;
let facilitator: RunningFacilitator;
beforeAll(async () => void (db = await openDb()));
afterAll(() => db.close());
beforeEach(async () => {
  bed = await openBed(db);
  openEscrow(bed);
  bed.mine();
  facilitator = await bed.start({ escrow });
});

/** A bed in place of the one of this test, on which blocks come when they are asked for, and so many are sent together. */
async function stillBed(maxBatch: number): Promise<void> {
  await bed.close();
  bed = await openBed(db);
  openEscrow(bed);
  facilitator = await bed.start({ escrow, batchWindowMs: 60_000, maxBatch });
}

/** Waits until so many transactions of ours were broadcast. */
const sent = (count: number) =>
  until(async () => (await bed.chain.transactionCount(gasPayer.address, 'pending')) >= count);
afterEach(() => bed.close());

const whole = { capturable: 10_000n, refundable: 0n };

async function held(options?: HoldOptions) {
  const made = await newHold(options);
  expect(await facilitator.settle(made.request)).toMatchObject({ success: true });
  return made;
}

const refusal = (request: FacilitatorRequest) =>
  facilitator.settle(request).then(({ errorReason }) => errorReason);

describe('a capture', () => {
  it('pays receiver and fee in parts, each order once, whoever asks again', async () => {
    const hold = await held();
    const first = await ordered(hold, captureOf(hold, { amount: 4_000n, ...whole }, 200n));
    const paid = await facilitator.settle(first);
    expect(paid).toMatchObject({ success: true, amount: '4000', payer: payer.address });
    expect(await facilitator.settle(first)).toEqual({ ...paid, repeat: true });
    const left = { capturable: 6_000n, refundable: 4_000n };
    const second = await facilitator.settle(
      await ordered(hold, captureOf(hold, { amount: 4_000n, ...left })),
    );
    expect(second).toMatchObject({ success: true });
    expect(second.transaction).not.toBe(paid.transaction);
    expect(bed.chain.hold(hold.id)).toMatchObject({ capturable: 2_000n, refundable: 8_000n });
    expect(bed.chain.balanceOf(receiver.address)).toBe(7_800n);
    expect(bed.chain.balanceOf(feeRecipient)).toBe(200n);
    expect(await facilitator.settle(first)).toEqual({ ...paid, repeat: true });
  });

  it('with a void gives the rest back in one call, and tells the same again', async () => {
    const hold = await held();
    const order = captureOf(hold, { amount: 7_000n, ...whole });
    const request = asRequest(hold, {
      ...order,
      authorizerSignature: await signOrder(order),
      voidAuthorizerSignature: await signVoid(order),
    });
    const before = bed.chain.balanceOf(payer.address);
    const closed = await facilitator.settle(request);
    expect(closed).toMatchObject({ success: true, amount: '7000' });
    expect(bed.chain.balanceOf(payer.address) - before).toBe(3_000n);
    expect(bed.chain.balanceOf(receiver.address)).toBe(7_000n);
    expect(await facilitator.settle(request)).toEqual({ ...closed, repeat: true });
    expect(bed.chain.balanceOf(SIMULATED_STORE)).toBe(0n);
  });

  it.each<[string, (hold: Held) => Promise<FacilitatorRequest>, string]>([
    [
      'signed by somebody else',
      (h) => ordered(h, captureOf(h, { amount: 1n, ...whole }), stranger),
      'authorizer_signature',
    ],
    [
      'for balances that are not there',
      (h) => ordered(h, captureOf(h, { amount: 1n, capturable: 9_999n, refundable: 0n })),
      'unexpected_payment_state',
    ],
    [
      'of more than is held',
      (h) => ordered(h, captureOf(h, { amount: 10_001n, ...whole })),
      'insufficient_authorization',
    ],
    ['of nothing', (h) => ordered(h, captureOf(h, { amount: 0n, ...whole })), 'amount_mismatch'],
    [
      'with a fee above the bounds that the payer signed',
      (h) => ordered(h, captureOf(h, { amount: 1_000n, ...whole }, 51n)),
      'fee_bps_out_of_range',
    ],
    [
      'for another fee receiver',
      (h) => ordered(h, { ...captureOf(h, { amount: 1_000n, ...whole }), feeReceiver: stranger.address }),
      'fee_receiver',
    ],
    [
      'of another saltNonce',
      (h) => ordered(h, { ...captureOf(h, { amount: 1n, ...whole }), saltNonce: `0x${'1'.repeat(64)}` }),
      'salt_binding_mismatch',
    ],
    [
      'for another operator',
      (h) =>
        ordered(
          { ...h, info: { ...h.info, operator: stranger.address } },
          captureOf({ ...h, info: { ...h.info, operator: stranger.address } }, { amount: 1n, ...whole }),
        ),
      'operator_mismatch',
    ],
    [
      'of another payment than the requirements',
      (h) => ordered(h, captureOf({ ...h, info: { ...h.info, maxAmount: 1n } }, { amount: 1n, ...whole })),
      'payload_format',
    ],
    [
      'without a signature',
      async (h) => asRequest(h, captureOf(h, { amount: 1n, ...whole })),
      'unauthenticated_authorizer_request',
    ],
    [
      'of the whole with a void',
      async (h) =>
        asRequest(h, {
          ...captureOf(h, { amount: 10_000n, ...whole }),
          authorizerSignature: await signOrder(captureOf(h, { amount: 10_000n, ...whole })),
          voidAuthorizerSignature: await signVoid(voidOf(h)),
        }),
      'void_remainder_full_capture',
    ],
    [
      'with a void that somebody else signed',
      async (h) =>
        asRequest(h, {
          ...captureOf(h, { amount: 1n, ...whole }),
          authorizerSignature: await signOrder(captureOf(h, { amount: 1n, ...whole })),
          voidAuthorizerSignature: await signVoid(voidOf(h), stranger),
        }),
      'void_authorizer_signature',
    ],
    ['of no known type', async (h) => asRequest(h, { ...voidOf(h), type: 'burn' }), 'payload_type'],
    [
      'that is a refund nobody pays for',
      (h) => ordered(h, { ...refundOf(h, { amount: 1n, ...whole }), collectorData: undefined }),
      'refund_funding_unavailable',
    ],
  ])('%s is refused, and nothing moves', async (_, make, code) => {
    const hold = await held();
    expect(await refusal(await make(hold))).toBe(`invalid_auth_capture_evm_${code}`);
    expect(bed.chain.hold(hold.id)).toMatchObject(whole);
  });

  it('of one hold shares a transaction with those of others, and one that is refused does not sink them', async () => {
    await stillBed(3);
    const { chain } = bed;
    const holds = await Promise.all([newHold(), newHold(), newHold()]);
    const made = holds.map(({ request }) => facilitator.settle(request));
    await sent(1);
    await chain.mine();
    await Promise.all(made);
    const [overtaken, ...others] = await Promise.all(
      holds.map((hold) => ordered(hold, captureOf(hold, { amount: 5_000n, ...whole }))),
    );
    const refused = facilitator.settle(overtaken as FacilitatorRequest);
    const responses = others.map((order) => facilitator.settle(order));
    await sent(2);
    // Before the block its payer is given the money back, by an order that came another way.
    const { info, saltNonce } = holds[0] as Held;
    const binding = { receiverAuthorizer: authorizer.address, saltNonce, captureNotBefore: 0 };
    const authorizerSignature = await signVoid(voidOf(holds[0] as Held));
    await chain.act(voidCall(AGREEMENT_OPERATOR, [{ info, binding, authorizerSignature }], true));
    bed.mine();
    expect(await refused).toMatchObject({ errorReason: 'invalid_auth_capture_evm_unexpected_payment_state' });
    const [first, second] = await Promise.all(responses);
    expect(first).toMatchObject({ success: true, transaction: second?.transaction });
    expect(holds.map(({ id }) => chain.hold(id).capturable)).toEqual([0n, 5_000n, 5_000n]);
    expect(chain.balanceOf(receiver.address)).toBe(10_000n);
  });

  it('overtaken by the payer, who took the money back, fails by proof', async () => {
    const hold = await held({ extra: { captureDeadline: Number(nowSeconds()) + 400 } });
    const order = await ordered(hold, captureOf(hold, { amount: 5_000n, ...whole }));
    bed.skip(500_000);
    await bed.chain.act(reclaimCall(hold.info));
    expect(await refusal(order)).toBe('invalid_auth_capture_evm_capture_deadline_expired');
    expect(bed.chain.balanceOf(receiver.address)).toBe(0n);
  });
});

describe('void and refund', () => {
  it('a void gives all of a hold back, once', async () => {
    const hold = await held();
    const before = bed.chain.balanceOf(payer.address);
    const request = await ordered(hold, voidOf(hold));
    const made = await facilitator.settle(request);
    expect(made).toMatchObject({ success: true });
    expect(await facilitator.settle(request)).toEqual({ ...made, repeat: true });
    expect(bed.chain.balanceOf(payer.address) - before).toBe(10_000n);
    expect(await refusal(await ordered(hold, captureOf(hold, { amount: 1n, ...whole })))).toBe(
      'invalid_auth_capture_evm_unexpected_payment_state',
    );
  });

  it('a refund comes from the receiver, by one signature for one refund', async () => {
    const hold = await held();
    await facilitator.settle(await ordered(hold, captureOf(hold, { amount: 10_000n, ...whole })));
    const order = refundOf(hold, { amount: 4_000n, capturable: 0n, refundable: 10_000n });
    const made = await facilitator.settle(await ordered(hold, order));
    expect(made).toMatchObject({ success: true, amount: '4000' });
    expect(await facilitator.settle(await ordered(hold, order))).toEqual({ ...made, repeat: true });
    expect(bed.chain.balanceOf(receiver.address)).toBe(6_000n);
    const again = { ...order, expectedRefundableAmount: '6000' };
    expect(await refusal(await ordered(hold, again))).toBe(
      'invalid_auth_capture_evm_token_collection_failed',
    );
  });
});

describe('a facilitator that signs for its sellers', () => {
  const signer = privateKeySigner(`0x${'77'.repeat(32)}`);
  const extra = { receiverAuthorizer: signer.address };

  it('carries out what the key that made the hold asks for, and nobody else', async () => {
    const signing = await bed.start({ escrow: { ...escrow, authorizer: signer } });
    const hold = await newHold({ extra });
    expect((await signing.settle(hold.request, 'shop')).success).toBe(true);
    const order = { ...captureOf(hold, { amount: 6_000n, ...whole }), voidAuthorizerSignature: true };
    for (const caller of [undefined, 'other']) {
      expect(await signing.settle(asRequest(hold, order), caller)).toMatchObject({
        errorReason: 'invalid_auth_capture_evm_unauthenticated_authorizer_request',
      });
    }
    expect(bed.chain.hold(hold.id)).toMatchObject(whole);
    expect(await signing.settle(asRequest(hold, order), 'shop')).toMatchObject({
      success: true,
      amount: '6000',
    });
    expect(bed.chain.hold(hold.id)).toMatchObject({ capturable: 0n, refundable: 6_000n });
    expect((await signing.supported()).kinds.at(-1)?.extra).toMatchObject(extra);
  });
});

describe('an agreement', () => {
  it('is captured before the end of its challenge window with the consent of its payer only', async () => {
    const document: Hex = `0x${'d0'.repeat(32)}`;
    const captureNotBefore = Number(nowSeconds()) + 1_000;
    const saltNonce = agreementSaltNonce(document, captureNotBefore);
    const hold = await held({
      extra: { policy: AGREEMENT_OPERATOR },
      info: { salt: boundSalt(authorizer.address, AGREEMENT_OPERATOR, saltNonce) },
      payload: { saltNonce },
    });
    const order: AuthCaptureOrder = {
      ...captureOf(hold, { amount: 10_000n, ...whole }),
      saltNonce: document,
      captureNotBefore,
    };
    expect(await refusal(await ordered(hold, order))).toBe('invalid_auth_capture_evm_challenge_window_open');
    const consent = earlyCaptureTypedData(
      network.chainId,
      AGREEMENT_OPERATOR,
      captureOrderOf(network.chainId, order),
    );
    const early = { ...order, payerSignature: await payer.signTypedData(consent) };
    expect(await facilitator.settle(await ordered(hold, early))).toMatchObject({ success: true });
    expect(bed.chain.balanceOf(receiver.address)).toBe(10_000n);
  });
});
