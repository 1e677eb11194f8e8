import { isAgentPayError } from '@agentpay/primitives';
import fc from 'fast-check';
import { toBase64 } from '../encoding/Json.js';
import { exactPayloadSchema, fromAuthorization, toAuthorization } from './exact.js';
import * as v2 from './v2.js';

/** Header values as the reference implementation sent them. */
const captured = {
  required:
    'eyJ4NDAyVmVyc2lvbiI6MiwiZXJyb3IiOiJQYXltZW50IHJlcXVpcmVkIiwicmVzb3VyY2UiOnsidXJsIjoiaHR0cDovLzEyNy4wLjAuMTo0NDgxNS93ZWF0' +
    'aGVyIiwiZGVzY3JpcHRpb24iOiJXZWF0aGVyIHJlcG9ydCIsIm1pbWVUeXBlIjoiYXBwbGljYXRpb24vanNvbiJ9LCJhY2NlcHRzIjpbeyJzY2hlbWUiOiJl' +
    'eGFjdCIsIm5ldHdvcmsiOiJlaXAxNTU6ODQ1MzIiLCJhbW91bnQiOiIxMDAwMCIsImFzc2V0IjoiMHgwMzZDYkQ1Mzg0MmM1NDI2NjM0ZTc5Mjk1NDFlQzIz' +
    'MThmM2RDRjdlIiwicGF5VG8iOiIweDNDNDRDZERkQjZhOTAwZmEyYjU4NWRkMjk5ZTAzZDEyRkE0MjkzQkMiLCJtYXhUaW1lb3V0U2Vjb25kcyI6MzAwLCJl' +
    'eHRyYSI6eyJuYW1lIjoiVVNEQyIsInZlcnNpb24iOiIyIn19XX0=',
  response:
    'eyJzdWNjZXNzIjp0cnVlLCJwYXllciI6IjB4NzA5OTc5NzBDNTE4MTJkYzNBMDEwQzdkMDFiNTBlMGQxN2RjNzlDOCIsInRyYW5zYWN0aW9uIjoiMHgwNGUy' +
    'MjJlZTU0NjlkZGUyOTUzMmFjYTI4NWRiM2M5MzE3ODJkNTc5OWRkOTBhOTFiOTU5MWE1N2VhMmVmYmRiIiwibmV0d29yayI6ImVpcDE1NTo4NDUzMiJ9',
};
const offer: v2.PaymentRequirements = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '10000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  maxTimeoutSeconds: 300,
  extra: { name: 'USDC', version: '2' },
};
const resource = {
  url: 'http://127.0.0.1:44815/weather',
  description: 'Weather report',
  mimeType: 'application/json',
};
const payload: v2.PaymentPayload = {
  x402Version: 2,
  payload: {
    authorization: {
      from: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      to: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
      value: '10000',
      validAfter: '0',
      validBefore: '1795159594',
      nonce: '0x58969bd60a92f41b54fd53ed01dc78c4f6a8e96d58057ecc3c49b74960357217',
    },
    signature:
      '0x2af710e8ee53b8255ad5a0cadde3c7e667bf54b0a2b5a4b7302c13e39d5a18895eb6bb5a1862639cd80c2d2b9595f0a5b058216f5a8ee4f360f451' +
      'b6c4f3558b1c',
  },
  resource,
  accepted: offer,
};

describe('x402 v2 on the wire', () => {
  it('reads the captured PAYMENT-REQUIRED and writes it back byte for byte', () => {
    const required = v2.decodePaymentRequired(captured.required);
    expect(required).toEqual({ x402Version: 2, error: 'Payment required', resource, accepts: [offer] });
    expect(v2.encodePaymentRequired(required)).toBe(captured.required);
  });

  it('reads a PAYMENT-SIGNATURE whose keys come in any order', () => {
    const decoded = v2.decodePaymentPayload(v2.encodePaymentPayload(payload));
    expect(decoded).toEqual(payload);
    const exact = exactPayloadSchema.parse(decoded.payload);
    expect(fromAuthorization(toAuthorization(exact.authorization))).toEqual(exact.authorization);
  });

  it('reads the captured PAYMENT-RESPONSE', () => {
    expect(v2.decodeSettleResponse(captured.response)).toEqual({
      success: true,
      payer: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      transaction: '0x04e222ee5469dde29532aca285db3c931782d5799dd90a91b9591a57ea2efbdb',
      network: 'eip155:84532',
    });
  });

  it('takes an explicit null for an absent member', () => {
    const accepts = [{ ...offer, extra: null }];
    const nulls = {
      x402Version: 2,
      error: null,
      resource: { url: 'x', description: null },
      accepts,
      extensions: null,
    };
    const { extra: _, ...plain } = offer;
    expect(v2.decodePaymentRequired(toBase64(nulls))).toEqual({
      x402Version: 2,
      resource: { url: 'x' },
      accepts: [plain],
    });
  });

  it.each(['-1', '1e6', '0x10', '01', '1.0', '', ' 1', (2n ** 256n).toString()])(
    'refuses the amount %j',
    (amount) => {
      const required = { x402Version: 2, resource, accepts: [{ ...offer, amount }] };
      expect(() => v2.decodePaymentRequired(toBase64(required))).toThrow(
        expect.objectContaining({ kind: 'payment_malformed' }),
      );
    },
  );

  it('gives back any challenge it wrote', () => {
    const requirements = fc.record({
      scheme: fc.string({ minLength: 1, maxLength: 64 }),
      network: fc.stringMatching(/^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/),
      amount: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(String),
      asset: fc.string({ minLength: 1, maxLength: 128 }),
      payTo: fc.string({ minLength: 1, maxLength: 128 }),
      maxTimeoutSeconds: fc.integer({ min: 1, max: 31_536_000 }),
    });
    const required = fc.record({
      x402Version: fc.constant(2 as const),
      resource: fc.record({ url: fc.string() }),
      accepts: fc.array(requirements, { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(required, (value) => {
        expect(v2.decodePaymentRequired(v2.encodePaymentRequired(value))).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it('reads or refuses any mutation of a payment, and throws nothing else', () => {
    const member = fc.constantFrom('x402Version', 'accepted', 'payload', 'resource', 'extensions');
    const mutation = fc.record({ key: member, value: fc.jsonValue() });
    fc.assert(
      fc.property(mutation, ({ key, value }) => {
        try {
          v2.decodePaymentPayload(toBase64({ ...payload, [key]: value }));
        } catch (error) {
          expect(isAgentPayError(error, 'payment_malformed')).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('acceptance of an offer', () => {
  it('holds for the same terms, with addresses in any case and more extra members', () => {
    const accepted = {
      ...offer,
      asset: offer.asset.toLowerCase(),
      payTo: offer.payTo.toLowerCase(),
      extra: { ...offer.extra, more: 1 },
    };
    expect(v2.isAcceptanceOf(accepted, offer)).toBe(true);
  });

  it('compares nested extra members without regard to the order of keys', () => {
    const nested = { ...offer, extra: { a: { x: 1, y: [2] } } };
    expect(v2.isAcceptanceOf({ ...offer, extra: { a: { y: [2], x: 1 } } }, nested)).toBe(true);
    expect(v2.isAcceptanceOf({ ...offer, extra: { a: { y: [2], x: 2 } } }, nested)).toBe(false);
  });

  it.each([
    ['scheme', 'upto'],
    ['network', 'eip155:8453'],
    ['amount', '9999'],
    ['asset', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913'],
    ['payTo', '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'],
    ['maxTimeoutSeconds', 301],
    ['extra', { name: 'USDC' }],
    ['extra', { name: 'USDC', version: '3' }],
    ['extra', undefined],
  ])('fails when %s differs', (field, value) => {
    expect(v2.isAcceptanceOf({ ...offer, [field]: value }, offer)).toBe(false);
  });
});
