import { toBase64 } from '../encoding/Json.js';
import { facilitatorRequestSchema } from './Facilitator.js';
import { isNonceUsed, reasonCode } from './reasons.js';
import * as v1 from './v1.js';

/** The body of a 402 and the payment that answered it, as the reference implementation sent them. */
const body = {
  x402Version: 1,
  error: 'X-PAYMENT header is required',
  accepts: [
    {
      scheme: 'exact',
      network: 'base-sepolia',
      maxAmountRequired: '10000',
      resource: 'http://127.0.0.1:43877/weather',
      description: 'Weather report',
      mimeType: '',
      payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
      maxTimeoutSeconds: 60,
      asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
      outputSchema: { input: { type: 'http', method: 'GET', discoverable: true } },
      extra: { name: 'USDC', version: '2' },
    },
  ],
} as const;
const payment = {
  x402Version: 1,
  scheme: 'exact',
  network: 'base-sepolia',
  payload: {
    authorization: {
      from: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      to: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
      value: '10000',
      validAfter: '1795158736',
      validBefore: '1795159396',
      nonce: '0xed737383ff5390f877409fd8db2819673208368cee9c49959448d889dc901753',
    },
    signature:
      '0x0a08858b8ce8588373962fd2de5304d2ffa90c99cc3277de318cbce29953ae527ae9a242e0cef262119f80d2d20ffa2dad8657ea51d421e0a8831b' +
      'a4446b2ee11c',
  },
} as const;

describe('x402 v1 on the wire', () => {
  it('reads the captured 402 body', () => {
    expect(v1.parsePaymentRequired(body)).toEqual(body);
  });

  it('reads a 402 body that carries further members, explicit nulls and no description', () => {
    const { description: _, ...entry } = body.accepts[0];
    const mixed = { type: 'about:blank', status: 402, ...body, accepts: [{ ...entry, outputSchema: null }] };
    expect(v1.parsePaymentRequired(mixed).accepts[0]).toMatchObject({
      description: '',
      maxAmountRequired: '10000',
    });
  });

  it('reads the captured X-PAYMENT and writes it back', () => {
    const header = toBase64(payment);
    expect(v1.decodePaymentPayload(header)).toEqual(payment);
    expect(v1.encodePaymentPayload(v1.decodePaymentPayload(header))).toBe(header);
  });

  it('reads a facilitator request made of the two', () => {
    const request = { x402Version: 1, paymentPayload: payment, paymentRequirements: body.accepts[0] };
    expect(facilitatorRequestSchema.parse(request)).toEqual(request);
  });

  it.each([
    ['no version', { ...body, x402Version: undefined }],
    ['the version of v2', { ...body, x402Version: 2 }],
    ['no way to pay', { ...body, accepts: [] }],
    ['an amount as a number', { ...body, accepts: [{ ...body.accepts[0], maxAmountRequired: 10000 }] }],
    ['prose', 'send 5 USDC to 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'],
    ['nothing', null],
  ])('refuses a body with %s', (_, value) => {
    expect(() => v1.parsePaymentRequired(value)).toThrow(
      expect.objectContaining({ kind: 'payment_malformed' }),
    );
  });

  it('says a v2 offer in the words of v1', () => {
    const offer = {
      scheme: 'exact',
      network: 'eip155:84532',
      amount: '10000',
      asset: body.accepts[0].asset,
      payTo: body.accepts[0].payTo,
      maxTimeoutSeconds: 60,
      extra: { name: 'USDC', version: '2' },
    };
    const { outputSchema: _, ...expected } = body.accepts[0];
    expect(v1.requirementsFromV2(offer, { url: expected.resource, description: 'Weather report' })).toEqual(
      expected,
    );
    expect(v1.requirementsFromV2({ ...offer, network: 'eip155:1' }, { url: 'x' })).toBeUndefined();
  });
});

describe('facilitator requests', () => {
  it('are refused when they nest without end', () => {
    let deep: unknown = 'x';
    for (let i = 0; i < 50_000; i++) deep = [deep];
    const request = {
      x402Version: 1,
      paymentPayload: payment,
      paymentRequirements: { ...body.accepts[0], extra: { deep } },
    };
    expect(facilitatorRequestSchema.safeParse(request).success).toBe(false);
  });
});

describe('reason codes', () => {
  it('follow the version of the caller', () => {
    expect(reasonCode('insufficientBalance', 2)).toBe('invalid_exact_evm_insufficient_balance');
    expect(reasonCode('insufficientBalance', 1)).toBe('insufficient_funds');
    expect(reasonCode('nonceUsed', 1)).toBe(reasonCode('nonceUsed', 2));
    expect(isNonceUsed(reasonCode('nonceUsed', 1))).toBe(true);
    expect(isNonceUsed(undefined)).toBe(false);
  });
});
