import { bytesToHex, type Hex } from '@agentpay/protocol';
import fc from 'fast-check';
import { concat, pad, toHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { parseSignature, recoverAuthorizer } from './Signature.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const account = privateKeyToAccount(`0x${'59'.repeat(32)}`);
const digestOf = (bytes: Uint8Array) => ({ bytes, hex: bytesToHex(bytes) });
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(digestOf);

describe('recoverAuthorizer', () => {
  it('recovers the payer of the published EIP-3009 vector on Base Sepolia', async () => {
    const digest = Buffer.from('af12c98a9a82b0f30500ece1733b91d404761baef31ae2a61565c6525d123a5d', 'hex');
    const signature =
      '0x7b8cebf9b81ccb11162e1ec0f9b58c1b0405138bbd754b7cd06d71d03d92f88261134753f56f921d37dec70f5844cd6c3030eab84cd59aea1ac3ba2113bb7c311c';
    expect(await recoverAuthorizer(digest, signature)).toBe('0x70997970C51812dc3A010C7d01b50e0d17dc79C8');
  });

  it('gives the signer for v as 27/28 and as 0/1, and not for the same signature with a high s', async () => {
    await fc.assert(
      fc.asyncProperty(digests, async (digest) => {
        const signature = await account.sign({ hash: digest.hex });
        const { r, s, v } = parseSignature(signature) as NonNullable<ReturnType<typeof parseSignature>>;
        expect(await recoverAuthorizer(digest.bytes, signature)).toBe(account.address);
        expect(await recoverAuthorizer(digest.bytes, concat([r, s, toHex(v - 27, { size: 1 })]))).toBe(account.address);
        const high = concat([r, pad(toHex(ORDER - BigInt(s))), toHex(v === 27 ? 28 : 27)]);
        expect(await recoverAuthorizer(digest.bytes, high)).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });

  it('never gives the signer for a changed digest or a changed signature', async () => {
    await fc.assert(
      fc.asyncProperty(digests, fc.nat(63), fc.integer({ min: 1, max: 255 }), async (digest, at, flip) => {
        const bytes = Buffer.from((await account.sign({ hash: digest.hex })).slice(2), 'hex');
        bytes[at] = (bytes[at] as number) ^ flip;
        expect(await recoverAuthorizer(digest.bytes, bytesToHex(bytes))).not.toBe(account.address);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, Hex]>([
    ['empty', '0x'],
    ['64 bytes', `0x${'11'.repeat(64)}`],
    ['66 bytes', `0x${'11'.repeat(66)}`],
    ['v = 2', `0x${'11'.repeat(64)}02`],
    ['all zero', `0x${'00'.repeat(64)}1b`],
    ['r above the order', `0x${'ff'.repeat(32)}${'11'.repeat(32)}1b`],
  ])('takes no signature that is %s', async (_, signature) => {
    expect(await recoverAuthorizer(new Uint8Array(32).fill(1), signature)).toBeUndefined();
  });
});
