import { base, isAgentPayError } from '@agentpay/primitives';
import fc from 'fast-check';
import { recoverAddress } from 'viem';
import { base64url } from '../encoding/Json.js';
import { domainSeparator, hashAuthorization } from '../evm/Eip3009.js';
import { bytesToHex } from '../evm/Hex.js';
import { toAuthorization } from '../x402/exact.js';
import { bodyDigest, isDigestOf } from './bodyDigest.js';
import { isOwnChallenge } from './Challenge.js';
import { hasCredential, readCredential, serializeCredential, type Credential } from './Credential.js';
import {
  challengeNonce,
  evmChargeRequest,
  evmSource,
  readAuthorizationPayload,
  readEvmChargeRequest,
} from './evmCharge.js';
import { readReceipt, serializeReceipt } from './Receipt.js';

/** A purchase from the reference implementation, as captured; the payer is the first well-known development account. */
const captured = {
  secret: '0123456789abcdef0123456789abcdef',
  credential: {
    challenge: {
      description: 'One forecast',
      expires: '2026-11-20T07:26:33.165Z',
      id: 'sK1__3Jz6HWD5HprtQhaNk_29EgCPpZ9ojZt_ddI8KY',
      intent: 'charge',
      method: 'evm',
      realm: 'api.example.test',
      request:
        'eyJhbW91bnQiOiIxMDAwMCIsImN1cnJlbmN5IjoiMHg4MzM1ODlmQ0Q2ZURiNkUwOGY0YzdDMzJENGY3MWI1NGJkQTAyOTEzIiwibWV0aG9kRGV0YWlscyI6' +
        'eyJjaGFpbklkIjo4NDUzLCJjcmVkZW50aWFsVHlwZXMiOlsiYXV0aG9yaXphdGlvbiJdLCJkZWNpbWFscyI6Nn0sInJlY2lwaWVudCI6IjB4MjA5NjkzQmM2' +
        'YWZjMEM1MzI4YkEzNkZhRjAzQzUxNEVGMzEyMjg3QyJ9',
    },
    payload: {
      from: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
      nonce: '0xf31a678279788715a6ff4544bc464ae25dee4f981af573e2e65f8b0522c6e6e3',
      signature:
        '0x5e74b4d28636c424bda18bd59a704e807d69839f292bfc8743a2fbb6228197645c9d1ad2b82baa034013f7908674e245f7eba54a2581142a5f6ef0' +
        '20580595181b',
      to: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
      type: 'authorization',
      validAfter: '0',
      validBefore: '1795159593',
      value: '10000',
    },
    source: 'did:pkh:eip155:8453:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  } satisfies Credential,
  receipt:
    'eyJtZXRob2QiOiJldm0iLCJyZWZlcmVuY2UiOiIweGU4MDdjZTdjYjY3Nzc5NDQ0MmZlMTRlZWRhZjliMzVhN2M2ZTYxYTRhZWIwMTdmMGJlYjFiMmEwNmUz' +
    'NThjNDIiLCJzdGF0dXMiOiJzdWNjZXNzIiwidGltZXN0YW1wIjoiMjAyNi0xMS0yMFQwNzoyMTozMy4yNjJaIn0',
};
const { credential } = captured;

describe('the captured purchase', () => {
  it('has the challenge id that its secret gives', () => {
    expect(isOwnChallenge(credential.challenge, [captured.secret])).toBe(true);
  });

  it('asks for what an evm charge request holds', () => {
    const request = readEvmChargeRequest(credential.challenge);
    expect(request).toEqual(
      evmChargeRequest({
        amount: 10_000n,
        currency: base.usdc.address,
        recipient: '0x209693bc6afc0c5328ba36faf03c514ef312287c',
        chainId: 8453,
        decimals: 6,
      }),
    );
  });

  it('is paid with the nonce of the challenge and signed by its source', async () => {
    const { signature, type: _, ...wire } = readAuthorizationPayload(credential.payload);
    expect(challengeNonce(credential.challenge)).toBe(wire.nonce);
    const authorization = toAuthorization(wire);
    const separator = domainSeparator({
      ...base.usdc.eip712,
      chainId: base.chainId,
      verifyingContract: base.usdc.address,
    });
    const payer = await recoverAddress({
      hash: bytesToHex(hashAuthorization(separator, authorization)),
      signature,
    });
    expect(payer).toBe(wire.from);
    expect(evmSource(8453, payer)).toBe(credential.source);
  });

  it('ends in a receipt that names the transaction', () => {
    expect(readReceipt(captured.receipt)).toEqual({
      method: 'evm',
      reference: '0xe807ce7cb677794442fe14eedaf9b35a7c6e61a4aeb017f0beb1b2a06e358c42',
      status: 'success',
      timestamp: '2026-11-20T07:21:33.262Z',
    });
  });
});

describe('credentials in Authorization', () => {
  const header = serializeCredential(credential);
  const token = header.slice('Payment '.length);

  it.each([
    ['as written', header],
    ['with the scheme in another case', header.replace('Payment', 'pAYMENT')],
    [
      'with padding',
      `Payment ${Buffer.from(JSON.stringify(credential)).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`,
    ],
    ['beside a Bearer token', `Bearer abc.def, ${header}`],
    ['with an unknown member', `Payment ${base64url(JSON.stringify({ ...credential, future: 1 }))}`],
  ])('are read %s', (_, value) => {
    expect(hasCredential(value)).toBe(true);
    expect(readCredential(value)).toEqual(credential);
  });

  it('are read when opaque is echoed as an object', () => {
    const opaque = { n: '1', a: '2' };
    const echoed = { ...credential, challenge: { ...credential.challenge, opaque } };
    const read = readCredential(`Payment ${base64url(JSON.stringify(echoed))}`);
    expect(read.challenge.opaque).toBe(base64url('{"a":"2","n":"1"}'));
  });

  it.each([
    ['payment_ambiguous', `${header}, ${header}`],
    ['payment_malformed', 'Payment'],
    ['payment_malformed', 'Payment ???'],
    ['payment_malformed', `Payment ${base64url('{}')}`],
    ['payment_malformed', `Payment ${token.slice(0, -7)}`],
    ['payment_malformed', 'Bearer abc'],
  ])('are refused as %s: %s', (kind, value) => {
    expect(() => readCredential(value)).toThrow(expect.objectContaining({ kind }));
  });

  it('come back as they went', () => {
    const anyCredential = fc.record({
      challenge: fc.record({
        id: fc.string({ minLength: 1 }),
        realm: fc.string({ minLength: 1 }),
        method: fc.stringMatching(/^[a-z][a-z0-9:_-]{0,20}$/),
        intent: fc.string({ minLength: 1 }),
        request: fc.string({ minLength: 1 }),
      }),
      payload: fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.string()),
    });
    fc.assert(
      fc.property(anyCredential, (value) => {
        expect(readCredential(serializeCredential(value))).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it('are read or refused, whatever they hold', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => `Payment ${base64url(JSON.stringify(value))}`),
      fc.json().map((opaque) => `Payment ${base64url(`{"challenge":{"opaque":${opaque}},"payload":{}}`)}`),
      fc.constant(`Payment ${base64url('{"challenge":{"opaque":{"a":1e999}},"payload":{}}')}`),
    );
    fc.assert(
      fc.property(hostile, (value) => {
        try {
          readCredential(value);
        } catch (error) {
          expect(isAgentPayError(error)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('receipts', () => {
  it('come back as they went, unknown members included', () => {
    const receipt = fc.record({
      status: fc.constant('success' as const),
      method: fc.string({ minLength: 1, maxLength: 64 }),
      timestamp: fc.string({ maxLength: 64 }),
      reference: fc.string(),
      chainId: fc.nat(),
      future: fc.string(),
    });
    fc.assert(
      fc.property(receipt, (value) => {
        expect(readReceipt(serializeReceipt(value))).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it('tell of success or are refused', () => {
    const failed = base64url(
      JSON.stringify({ status: 'failed', method: 'evm', timestamp: 't', reference: '0x' }),
    );
    expect(() => readReceipt(failed)).toThrow(expect.objectContaining({ kind: 'payment_malformed' }));
  });
});

describe('body digests', () => {
  const body = Buffer.from('{"city":"Paris"}');

  it('are written with colons and read with and without', () => {
    const digest = bodyDigest(body);
    expect(digest).toMatch(/^sha-256=:[A-Za-z0-9+/]{43}=:$/);
    expect(isDigestOf(digest, body)).toBe(true);
    expect(isDigestOf(digest.replaceAll(':', ''), body)).toBe(true);
  });

  it('fit no other body', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (first, second) => {
        expect(isDigestOf(bodyDigest(first), second)).toBe(Buffer.compare(first, second) === 0);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['', 'sha-256=', 'sha-512=:abc=:', 'SHA-256=:x:'])('are not made of %j', (digest) => {
    expect(isDigestOf(digest, body)).toBe(false);
  });
});
