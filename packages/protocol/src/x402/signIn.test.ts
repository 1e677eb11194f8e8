import fc from 'fast-check';
import { hashMessage } from 'viem';
import { createSiweMessage } from 'viem/siwe';
import { toBase64 } from '../encoding/Json.js';
import { hashPersonalMessage } from '../evm/Eip191.js';
import { bytesToHex } from '../evm/Hex.js';
import { decodeSignIn, encodeSignIn, signInMessage, type SignIn } from './signIn.js';

const full: SignIn = {
  domain: 'api.example.com',
  address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  statement: 'Come back.',
  uri: 'https://api.example.com/weather?city=Bern',
  version: '1',
  chainId: 'eip155:8453',
  type: 'eip191',
  nonce: '0123456789abcdef',
  issuedAt: '2026-01-02T03:04:05.000Z',
  expirationTime: '2026-01-02T03:09:05.000Z',
  notBefore: '2026-01-02T03:00:00.000Z',
  requestId: 'r-1',
  resources: ['https://api.example.com/weather', 'https://api.example.com/other'],
  signature: `0x${'ab'.repeat(65)}`,
};
const OPTIONAL = ['statement', 'expirationTime', 'notBefore', 'requestId', 'resources'] as const;

describe('a sign-in message', () => {
  it('is the text of EIP-4361 that wallets are asked to sign, with and without each optional part', () => {
    fc.assert(
      fc.property(fc.subarray([...OPTIONAL]), (missing) => {
        const signIn = { ...full };
        for (const name of missing) delete signIn[name];
        const { type: _, signature: __, issuedAt, expirationTime, notBefore, chainId, ...rest } = signIn;
        const expected = createSiweMessage({
          ...rest,
          chainId: Number(chainId.slice(7)),
          issuedAt: new Date(issuedAt),
          ...(expirationTime !== undefined && { expirationTime: new Date(expirationTime) }),
          ...(notBefore !== undefined && { notBefore: new Date(notBefore) }),
        });
        expect(signInMessage(signIn)).toBe(expected);
      }),
    );
  });

  it('is hashed as personal_sign does, also beyond ASCII', () => {
    for (const text of ['', 'hello', signInMessage({ ...full, statement: 'Grüezi 🌦' })]) {
      expect(bytesToHex(hashPersonalMessage(text))).toBe(hashMessage(text));
    }
  });
});

describe('a sign-in header', () => {
  it('decodes to what was encoded, and nulls to absent members', () => {
    expect(decodeSignIn(encodeSignIn(full))).toEqual(full);
    const { statement: _, ...rest } = full;
    expect(decodeSignIn(toBase64({ ...full, statement: null }))).toEqual(rest);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a second line in the statement', { statement: 'a\n\nURI: https://other.example' }],
    ['a second line in a resource', { resources: ['a\nb'] }],
    ['another signature type', { type: 'ed25519' }],
    ['another kind of chain', { chainId: 'solana:mainnet' }],
    ['no address', { address: '0x12' }],
    ['no time', { issuedAt: 'yesterday' }],
    ['a nonce with punctuation', { nonce: 'abc-defgh' }],
    ['no signature', { signature: undefined }],
  ])('with %s is malformed', (_, change) => {
    const read = () => decodeSignIn(toBase64({ ...full, ...change }));
    expect(read).toThrow('SIGN-IN-WITH-X is malformed');
  });
});
