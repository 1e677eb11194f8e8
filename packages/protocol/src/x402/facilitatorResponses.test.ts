import fc from 'fast-check';
import type { FacilitatorRequest } from './Facilitator.js';
import {
  OtherPayment,
  readSettleResponse,
  readSupportedResponse,
  readVerifyResponse,
} from './facilitatorResponses.js';
import { encodeSettleResponse, decodeSettleResponse } from './v2.js';

const PAYER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const HASH = `0x${'ab'.repeat(32)}`;
const terms = { scheme: 'exact', payTo: PAYER, maxTimeoutSeconds: 60, asset: PAYER };
const accepted = { ...terms, network: 'eip155:84532', amount: '10000' };
const payload = { authorization: { from: PAYER } };
const v2: FacilitatorRequest = {
  x402Version: 2,
  paymentPayload: { x402Version: 2, accepted, payload },
  paymentRequirements: accepted,
};
const v1: FacilitatorRequest = {
  x402Version: 1,
  paymentPayload: { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload },
  paymentRequirements: {
    ...terms,
    network: 'base-sepolia',
    maxAmountRequired: '10000',
    resource: '',
    description: '',
  },
};

/** What may stand where a text belongs. */
const odd = fc.oneof(
  fc.constantFrom(null, undefined, '', ' ', 0, 7, true, [], {}, { a: null }, ['x'], '\ud800'),
  fc.string({ minLength: 257, maxLength: 9_000 }),
  fc.string(),
  fc.jsonValue(),
);
const sideFields = (names: readonly string[]) =>
  fc.record(Object.fromEntries(names.map((name) => [name, odd])), { requiredKeys: [] });
const requests = fc.constantFrom(v1, v2);

describe('a definite response is never lost over what stands beside it', () => {
  const ofRefusal = [
    'errorReason',
    'errorMessage',
    'transaction',
    'network',
    'payer',
    'amount',
    'extensions',
    'repeat',
    'nonceUse',
  ];

  it('a no is a no, whatever its side fields are, and can be passed on', () => {
    fc.assert(
      fc.property(requests, sideFields(ofRefusal), (request, beside) => {
        const read = readSettleResponse({ ...beside, success: false }, request);
        expect(read?.success).toBe(false);
        expect(read?.network).toMatch(/./);
        expect(Object.values(read ?? {})).not.toContain(undefined);
        expect(decodeSettleResponse(encodeSettleResponse(read as never))).toEqual(read);
      }),
    );
  });

  it('a yes that names its transaction is a yes', () => {
    const ofYes = ['errorReason', 'errorMessage', 'amount', 'extensions', 'repeat', 'nonceUse', 'future'];
    fc.assert(
      fc.property(requests, sideFields(ofYes), (request, beside) => {
        const read = readSettleResponse({ ...beside, success: true, transaction: HASH }, request);
        expect([read?.success, read?.transaction]).toEqual([true, HASH]);
        expect(read).not.toHaveProperty('errorReason');
      }),
    );
  });

  it('valid or not, whatever the side fields of /verify are', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        sideFields(['invalidReason', 'invalidMessage', 'balance']),
        (isValid, beside) => {
          expect(readVerifyResponse({ ...beside, isValid }, v2)?.isValid).toBe(isValid);
        },
      ),
    );
  });

  it.each([
    [
      'a reason of 300 characters',
      { success: false, errorReason: 'x'.repeat(300), transaction: '', network: 'base-sepolia' },
    ],
    ['network null', { success: false, errorReason: 'insufficient_funds', transaction: '', network: null }],
    ['no network', { success: false, errorReason: 'insufficient_funds' }],
    [
      'a message of 100,000 characters',
      { success: false, errorMessage: 'x'.repeat(100_000), network: 'base' },
    ],
    ['an object for a reason', { success: false, errorReason: { code: 1 }, transaction: null, network: 7 }],
  ])('no, with %s', (_, body) => {
    expect(readSettleResponse(body, v2)?.success).toBe(false);
  });

  it.each([
    ['an empty payer', { payer: '', network: 'eip155:84532' }],
    ['no network', {}],
    ['network null', { network: null }],
    ['the v1 name of the network', { network: 'base-sepolia' }],
    ['the CAIP-2 id in other case', { network: 'EIP155:84532' }],
    ['the payer in other case', { payer: PAYER.toLowerCase() }],
    ['a reason, too', { errorReason: '', errorMessage: '' }],
  ])('yes, with %s', (_, beside) => {
    const read = readSettleResponse({ success: true, transaction: HASH, ...beside }, v2);
    expect([read?.success, read?.network]).toEqual([true, 'eip155:84532']);
    expect(Object.values(read ?? {})).not.toContain('');
  });

  it.each([
    ['another payer', { payer: `0x${'1'.repeat(40)}`, transaction: HASH }],
    ['another network', { network: 'eip155:8453', transaction: HASH }],
    ['no transaction', {}],
    ['a transaction that is none', { transaction: '0x12' }],
  ])('a yes about %s is none', (_, beside) => {
    expect(() => readSettleResponse({ success: true, ...beside }, v2)).toThrow(OtherPayment);
  });

  it.each([undefined, null, 'yes', [], {}, { success: 'true' }, { success: 1 }])(
    '%j says nothing',
    (body) => {
      expect([readSettleResponse(body, v2), readVerifyResponse(body, v2)]).toEqual([undefined, undefined]);
    },
  );

  it('a list of kinds is read without those that are none', () => {
    const kind = { x402Version: 2, scheme: 'exact', network: 'eip155:84532' };
    const body = {
      kinds: [kind, null, { ...kind, network: null }, { ...kind, extra: [] }],
      extensions: null,
      signers: [],
    };
    expect(readSupportedResponse(body)).toEqual({ kinds: [kind, kind], extensions: [], signers: {} });
  });
});
