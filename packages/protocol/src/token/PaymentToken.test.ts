import { isAgentPayError } from '@agentpay/primitives';
import fc from 'fast-check';
import { base64url } from '../encoding/Json.js';
import { paymentTokenKid, type PaymentTokenClaims } from './PaymentToken.js';
import {
  paymentTokenKey,
  paymentTokenKeys,
  signPaymentToken,
  verifyPaymentToken,
} from './PaymentTokenKeys.js';

const key = paymentTokenKey('a secret of at least 32 characters');
const otherKey = paymentTokenKey('another secret of at least 32 characters');
const keys = paymentTokenKeys([key.publicJwk]);
const claims: PaymentTokenClaims = {
  iss: 'https://pay.example.com',
  aud: 'svc_1',
  sub: 'wallet_1',
  jti: 'tokid_1',
  amount: '5000',
  currency: 'USD',
  iat: 1_000,
  exp: 1_600,
};
const token = signPaymentToken(claims, key);
const check = (text: string, now = 1_500, audience = 'svc_1') =>
  verifyPaymentToken(text, keys, { now, audience });

function kindOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!isAgentPayError(error)) throw error;
    return error.reason ?? error.kind;
  }
}

describe('payment tokens', () => {
  it('give back their claims to whoever has the published key', () => {
    expect(token).toMatch(/^x402_tok_[\w-]+\.[\w-]+\.[\w-]{86}$/);
    expect(check(token)).toEqual(claims);
    expect(paymentTokenKid(token)).toBe(key.kid);
  });

  it('come back as they went, whatever they claim', () => {
    const id = fc.string({ minLength: 1, maxLength: 64 });
    const anyClaims = fc.record({
      iss: id,
      aud: id,
      sub: id,
      jti: id,
      amount: fc.bigInt({ min: 1n, max: 10n ** 18n - 1n }).map(String),
      currency: fc.stringMatching(/^[A-Z0-9]{2,12}$/),
      iat: fc.nat(),
      exp: fc.integer({ min: 1 }),
    });
    fc.assert(
      fc.property(anyClaims, (value) => {
        expect(verifyPaymentToken(signPaymentToken(value, key), keys, { now: value.exp - 1 })).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it('are refused when any one character is another', () => {
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='];
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...alphabet), (at, char) => {
        fc.pre(token[at] !== char);
        expect(kindOf(() => check(token.slice(0, at) + char + token.slice(at + 1)))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  it('are refused in any other spelling of the same signature', () => {
    for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      if (char !== token.at(-1)) expect(kindOf(() => check(token.slice(0, -1) + char))).toBeDefined();
    }
    expect(kindOf(() => check(`${token}=`))).toBe('payment_malformed');
  });

  it('expire at the exact second', () => {
    expect(check(token, 1_599)).toEqual(claims);
    expect(kindOf(() => check(token, 1_600))).toBe('token_expired');
  });

  it('are for one service', () => {
    expect(kindOf(() => check(token, 1_500, 'svc_2'))).toBe('audience');
  });

  it('are refused without a signature of a known key', () => {
    const body = base64url(JSON.stringify(claims));
    const unsigned = (header: object) =>
      `x402_tok_${base64url(JSON.stringify(header))}.${body}.${'A'.repeat(86)}`;
    expect(kindOf(() => check(unsigned({ alg: 'none', typ: 'x402-token+jwt', kid: key.kid })))).toBe(
      'payment_malformed',
    );
    expect(kindOf(() => check(unsigned({ alg: 'HS256', typ: 'x402-token+jwt', kid: key.kid })))).toBe(
      'payment_malformed',
    );
    expect(kindOf(() => check(unsigned({ alg: 'EdDSA', typ: 'x402-token+jwt', kid: key.kid })))).toBe(
      'signature',
    );
    expect(kindOf(() => check(unsigned({ alg: 'EdDSA', typ: 'x402-token+jwt', kid: '__proto__' })))).toBe(
      'unknown_key',
    );
    expect(kindOf(() => check(signPaymentToken(claims, otherKey)))).toBe('unknown_key');
    expect(kindOf(() => check(signPaymentToken(claims, { ...otherKey, kid: key.kid })))).toBe('signature');
  });

  const noTokens = ['', 'x402_tok_', 'x402_tok_a.b.c', 'tok_a.b.c', `x402_tok_${'a'.repeat(20_000)}`];
  it.each(noTokens)('are refused when they are none: %.20s', (text) => {
    expect(kindOf(() => check(text))).toBe('payment_malformed');
  });

  it('are refused when their claims have another shape, though well signed', () => {
    const negative = signPaymentToken({ ...claims, amount: '-1' }, key);
    expect(kindOf(() => check(negative))).toBe('payment_malformed');
  });
});

describe('keys of payment tokens', () => {
  it('are the same for the same secret, on every node', () => {
    expect(paymentTokenKey('a secret of at least 32 characters').publicJwk).toEqual(key.publicJwk);
    expect(otherKey.kid).not.toBe(key.kid);
  });

  it('are not made of a short secret', () => {
    expect(() => paymentTokenKey('x'.repeat(31))).toThrow(RangeError);
    expect(paymentTokenKey('x'.repeat(32)).kid).toMatch(/^[0-9a-f]{16}$/);
  });

  it('are found among entries of other kinds and unreadable ones', () => {
    const mixed = paymentTokenKeys([
      { kty: 'RSA', kid: 'r' },
      { kty: 'OKP', crv: 'Ed25519', kid: 'bad', x: 'short' },
      key.publicJwk,
    ]);
    expect(mixed('r')).toBeUndefined();
    expect(mixed('bad')).toBeUndefined();
    expect(verifyPaymentToken(token, mixed, { now: 1_500 })).toEqual(claims);
  });
});
