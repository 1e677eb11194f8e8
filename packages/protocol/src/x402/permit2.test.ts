import fc from 'fast-check';
import { EXACT_PERMIT2_PROXY, UPTO_PERMIT2_PROXY } from '../evm/Permit2.js';
import {
  exactPermit2PayloadSchema,
  fromPermit2Authorization,
  toPermit2Authorization,
  uptoExtraSchema,
  uptoPayloadSchema,
  type ExactPermit2Payload,
  type UptoPayload,
} from './permit2.js';
import { isNonceUsed, reasonCode, reasons } from './reasons.js';

const facilitator = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const exact: ExactPermit2Payload = {
  signature: `0x${'ab'.repeat(65)}`,
  permit2Authorization: {
    from: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    permitted: { token: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', amount: '10000' },
    spender: EXACT_PERMIT2_PROXY,
    nonce: (2n ** 256n - 1n).toString(),
    deadline: '1740672154',
    witness: { to: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', validAfter: '0' },
  },
};
const upto: UptoPayload = {
  ...exact,
  permit2Authorization: {
    ...exact.permit2Authorization,
    spender: UPTO_PERMIT2_PROXY,
    witness: { ...exact.permit2Authorization.witness, facilitator },
  },
};

describe('Permit2 payloads', () => {
  it('are read and written back as they came', () => {
    expect(exactPermit2PayloadSchema.parse(exact)).toEqual(exact);
    expect(uptoPayloadSchema.parse(upto)).toEqual(upto);
    expect(fromPermit2Authorization(toPermit2Authorization(exact.permit2Authorization))).toEqual(
      exact.permit2Authorization,
    );
    expect(fromPermit2Authorization(toPermit2Authorization(upto.permit2Authorization))).toEqual(
      upto.permit2Authorization,
    );
  });

  it('lose members that nobody signed', () => {
    expect(exactPermit2PayloadSchema.parse({ ...upto, more: 1 })).toEqual({
      ...upto,
      permit2Authorization: { ...upto.permit2Authorization, witness: exact.permit2Authorization.witness },
    });
  });

  it('of scheme upto name the facilitator', () => {
    expect(uptoPayloadSchema.safeParse(exact).success).toBe(false);
    const extra = { facilitatorAddress: facilitator, name: 'USDC' };
    expect(uptoExtraSchema.parse(extra)).toEqual(extra);
    expect(uptoExtraSchema.safeParse({ name: 'USDC' }).success).toBe(false);
    expect(
      uptoExtraSchema.safeParse({ facilitatorAddress: facilitator, assetTransferMethod: 'eip3009' }).success,
    ).toBe(false);
  });

  const { permit2Authorization } = exact;
  it.each([
    ['a nonce above 256 bits', { nonce: (2n ** 256n).toString() }],
    ['a negative nonce', { nonce: '-1' }],
    ['a number for a deadline', { deadline: 1_740_672_154 }],
    ['a hex amount', { permitted: { ...permit2Authorization.permitted, amount: '0x10' } }],
    ['a short token address', { permitted: { ...permit2Authorization.permitted, token: '0x12' } }],
    ['no witness', { witness: undefined }],
    ['no payee', { witness: { validAfter: '0' } }],
  ])('are refused with %s', (_, change) => {
    const payload = { ...exact, permit2Authorization: { ...permit2Authorization, ...change } };
    expect(exactPermit2PayloadSchema.safeParse(payload).success).toBe(false);
  });

  it('are read or refused after any mutation, and throw nothing', () => {
    const member = fc.constantFrom('from', 'permitted', 'spender', 'nonce', 'deadline', 'witness');
    fc.assert(
      fc.property(member, fc.jsonValue(), (key, value) => {
        const result = uptoPayloadSchema.safeParse({
          ...upto,
          permit2Authorization: { ...upto.permit2Authorization, [key]: value },
        });
        if (result.success) toPermit2Authorization(result.data.permit2Authorization);
      }),
      { numRuns: 200 },
    );
  });
});

describe('reason codes', () => {
  it('say of a used Permit2 nonce that the money may have moved', () => {
    expect(isNonceUsed(reasonCode('permit2NonceUsed', 2))).toBe(true);
    expect(isNonceUsed(reasonCode('permit2Signature', 2))).toBe(false);
  });

  it('are told apart', () => {
    const codes = Object.values(reasons).map(({ v2 }) => v2);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
