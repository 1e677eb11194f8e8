import type { Db } from '@agentpay/primitives';
import { AGREEMENT_OPERATOR, type FacilitatorRequest } from '@agentpay/protocol';
import { SIMULATED_STORE } from '@agentpay/evm';
import { asRequest, escrow, newHold, openEscrow, type HoldOptions } from './escrow.fixture.js';
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

const verdict = (request: FacilitatorRequest) =>
  facilitator.verify(request).then(({ invalidReason }) => invalidReason);
const refusal = (request: FacilitatorRequest) =>
  facilitator.settle(request).then(({ errorReason }) => errorReason);

describe('a hold', () => {
  it('is verified, made once, and told again to whoever asks again', async () => {
    const { request, id } = await newHold();
    expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: payer.address });
    const [first, second] = await Promise.all([facilitator.settle(request), facilitator.settle(request)]);
    expect(first).toMatchObject({ success: true, payer: payer.address, network: network.id });
    expect(second).toEqual({ ...first, repeat: true });
    expect(bed.chain.hold(id)).toEqual({ collected: true, ...whole });
    expect(bed.chain.balanceOf(SIMULATED_STORE)).toBe(10_000n);
    expect(await verdict(request)).toBe('invalid_auth_capture_evm_payment_already_collected');
  });

  it('of many payers shares a transaction', async () => {
    await stillBed(5);
    const payers = Array.from({ length: 5 }, newPayer);
    for (const account of payers) bed.chain.mint(account.address, 10_000n);
    const holds = await Promise.all(payers.map((account) => newHold({ account })));
    const responses = holds.map(({ request }) => facilitator.settle(request));
    await sent(1);
    bed.mine();
    const hashes = (await Promise.all(responses)).map(({ transaction }) => transaction);
    expect(new Set(hashes).size).toBe(1);
    for (const { id } of holds) expect(bed.chain.hold(id).capturable).toBe(10_000n);
  });

  const expiring = () => Number(nowSeconds()) + 3;
  it.each<[string, () => HoldOptions, string]>([
    ['another signer', () => ({ signature: `0x${'11'.repeat(64)}1b` }), 'signature'],
    [
      'an authorization that expires',
      () => ({ info: { preApprovalExpiry: expiring() } }),
      'authorization_expired',
    ],
    ['another operator', () => ({ extra: { captureAuthorizer: stranger.address } }), 'operator_not_admitted'],
    ['a fee bound above the whole', () => ({ extra: { maxFeeBps: 10_001 } }), 'extra'],
    ['fee bounds the wrong way round', () => ({ extra: { minFeeBps: 600 } }), 'extra'],
    ['fee bounds that the payer did not sign', () => ({ info: { maxFeeBps: 400 } }), 'nonce_mismatch'],
    ['another receiver than payTo', () => ({ info: { receiver: stranger.address } }), 'nonce_mismatch'],
    [
      'a capture deadline that has passed',
      () => ({ extra: { captureDeadline: expiring() } }),
      'deadline_ordering',
    ],
    ['a refund deadline before it', () => ({ extra: { refundDeadline: 1 } }), 'deadline_ordering'],
    [
      'a charge instead of a hold',
      () => ({ extra: { paymentFlow: 'authorization' } }),
      'unsupported_payment_flow',
    ],
    ['autoCapture', () => ({ extra: { autoCapture: true } }), 'unsupported_payment_flow'],
    [
      'an operator of a type that is not served',
      () => ({ extra: { operatorType: 'custom' } }),
      'unsupported_operator_type',
    ],
    ['a foreign policy', () => ({ extra: { policy: stranger.address } }), 'policy'],
    ['another escrow', () => ({ extra: { authCaptureEscrow: stranger.address } }), 'extra'],
    [
      'a salt that does not commit to the authorizer',
      () => ({ payload: { saltNonce: `0x${'0'.repeat(64)}` } }),
      'salt_binding_mismatch',
    ],
    ['no saltNonce', () => ({ payload: { saltNonce: undefined } }), 'payload_format'],
    ['sync without an authorizer', () => ({ extra: { receiverAuthorizer: `0x${'0'.repeat(40)}` } }), 'extra'],
    ['a payer without the money', () => ({ account: newPayer() }), 'insufficient_balance'],
    ['no payload of the scheme', () => ({ payload: { salt: undefined } }), 'payload_format'],
    [
      'Permit2 where EIP-3009 was signed',
      () => ({ extra: { assetTransferMethod: 'permit2' } }),
      'payload_method_mismatch',
    ],
  ])('is refused with %s, and nothing moves', async (_, options, code) => {
    const { request } = await newHold(options());
    const reason = `invalid_auth_capture_evm_${code}`;
    expect(await verdict(request)).toBe(reason);
    expect(await refusal(request)).toBe(reason);
    expect(bed.chain.balanceOf(SIMULATED_STORE)).toBe(0n);
  });

  it('is not made with an authorization that was used for another payment', async () => {
    const first = await held();
    const other = await newHold({ extra: { captureDeadline: Number(nowSeconds()) + 4_000 } });
    const { paymentPayload } = first.request as Extract<FacilitatorRequest, { x402Version: 2 }>;
    const replayed = { ...paymentPayload, resource: { url: 'https://seller.example/other' } };
    expect(await refusal({ ...first.request, paymentPayload: replayed } as FacilitatorRequest)).toBe(
      'duplicate_settlement',
    );
    expect(await refusal(asRequest(other, paymentPayload.payload))).toBe(
      'invalid_auth_capture_evm_nonce_mismatch',
    );
    expect(bed.chain.balanceOf(SIMULATED_STORE)).toBe(10_000n);
  });

  it('is refused where no operator is configured, with the reason', async () => {
    const without = await bed.start();
    const { request } = await newHold();
    expect(await without.settle(request)).toMatchObject({
      success: false,
      errorReason: 'invalid_auth_capture_evm_scheme',
      errorMessage: expect.stringContaining('no operator contract'),
    });
    expect((await without.supported()).kinds.map(({ scheme }) => scheme)).not.toContain('auth-capture');
  });

  it('and its terms are in /supported', async () => {
    expect((await facilitator.supported()).kinds).toContainEqual({
      x402Version: 2,
      scheme: 'auth-capture',
      network: network.id,
      extra: {
        captureAuthorizer: AGREEMENT_OPERATOR,
        operators: [{ address: AGREEMENT_OPERATOR, operatorType: 'policy' }],
      },
    });
  });
});
