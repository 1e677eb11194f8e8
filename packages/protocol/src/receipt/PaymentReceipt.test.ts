import { generateKeyPairSync, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { base64url } from '../encoding/Json.js';
import { PAYMENT_RECEIPT_TYPE, verifyPaymentReceipt, type PaymentReceipt } from './PaymentReceipt.js';

const receipt: PaymentReceipt = {
  iss: 'https://api.example.com',
  iat: 1_795_000_000,
  method: 'GET',
  path: '/weather',
  network: 'eip155:84532',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  amount: '10000',
  payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  payer: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  transaction: `0x${'cd'.repeat(32)}`,
};
const header = { alg: 'EdDSA', typ: PAYMENT_RECEIPT_TYPE, kid: 'one' };
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });
const other = generateKeyPairSync('ed25519').publicKey;
const keys = [jwkOf(other, 'other'), jwkOf(publicKey, 'one')];

function signed(head: object, body: object, key = privateKey): string {
  const input = `${base64url(JSON.stringify(head))}.${base64url(JSON.stringify(body))}`;
  return `${input}.${base64url(sign(null, Buffer.from(input), key))}`;
}
const jws = signed(header, receipt);

describe('a signed receipt', () => {
  it('is verified with the key that it names', () => {
    expect(verifyPaymentReceipt(jws, keys)).toEqual(receipt);
    const { transaction: _, ...free } = receipt;
    expect(verifyPaymentReceipt(signed(header, { ...free, amount: '0' }), keys)).toEqual({
      ...free,
      amount: '0',
    });
  });

  it('is nothing when a single character of it is another one', () => {
    // The last character of a signature has bits that no byte takes.
    fc.assert(
      fc.property(fc.nat(jws.length - 2), fc.constantFrom(...'aZ09-_.='), (index, char) => {
        fc.pre(jws[index] !== char);
        expect(verifyPaymentReceipt(jws.slice(0, index) + char + jws.slice(index + 1), keys)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, readonly JsonWebKey[]]>([
    ['no keys', []],
    ['another key under its name', [jwkOf(other, 'one')]],
    [
      'a key of another kind under its name',
      [jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, 'one')],
    ],
    ['a secret under its name', [{ kty: 'oct', k: 'AAAA', kid: 'one' }]],
  ])('is nothing under %s', (_, set) => {
    expect(verifyPaymentReceipt(jws, set)).toBeUndefined();
  });

  it.each<[string, object, object]>([
    ['a token of another type', { ...header, typ: 'JWT' }, receipt],
    ['a token of no type', { alg: 'EdDSA', kid: 'one' }, receipt],
    ['a token of another algorithm', { ...header, alg: 'none' }, receipt],
    ['something else', header, { ...receipt, payer: 'me' }],
  ])('is not %s, though signed by the same key', (_, head, body) => {
    expect(verifyPaymentReceipt(signed(head, body), keys)).toBeUndefined();
  });

  it('is no other text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => verifyPaymentReceipt(text, keys) === undefined),
    );
  });
});
