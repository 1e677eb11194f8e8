import { bytesToHex, type Hex } from '@agentpay/protocol';
import fc from 'fast-check';
import { concat, pad, serializeCompactSignature, toHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { keyRecovery, nativeRecovery, wasmRecovery, type KeyRecovery } from './recoverKey.js';
import { canonicalSignature, parseSignature, recoverAuthorizer } from './Signature.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const account = privateKeyToAccount(`0x${'59'.repeat(32)}`);
const digestOf = (bytes: Uint8Array) => ({ bytes, hex: bytesToHex(bytes) });
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(digestOf);

const implementations = [nativeRecovery(), wasmRecovery()].filter(
  (found): found is KeyRecovery => found !== undefined,
);

it('uses the native implementation where one is built', () => {
  expect(implementations.map(({ name }) => name)).toContain(keyRecovery.name);
  if (`${process.platform}-${process.arch}` === 'linux-x64') expect(keyRecovery.name).toBe('native');
});

describe.each(implementations)('recoverAuthorizer ($name)', (recovery) => {
  it('recovers the payer of the published EIP-3009 vector on Base Sepolia', () => {
    const digest = Buffer.from('af12c98a9a82b0f30500ece1733b91d404761baef31ae2a61565c6525d123a5d', 'hex');
    const r = '7b8cebf9b81ccb11162e1ec0f9b58c1b0405138bbd754b7cd06d71d03d92f882';
    const s = '61134753f56f921d37dec70f5844cd6c3030eab84cd59aea1ac3ba2113bb7c31';
    const signature: Hex = `0x${r}${s}1c`;
    expect(recoverAuthorizer(digest, signature, recovery)).toBe('0x70997970C51812dc3A010C7d01b50e0d17dc79C8');
  });

  it('gives the signer for v as 27/28 and as 0/1, and not for the same signature with a high s', async () => {
    await fc.assert(
      fc.asyncProperty(digests, async (digest) => {
        const signature = await account.sign({ hash: digest.hex });
        const { r, s, v } = parseSignature(signature) as NonNullable<ReturnType<typeof parseSignature>>;
        expect(recoverAuthorizer(digest.bytes, signature, recovery)).toBe(account.address);
        expect(recoverAuthorizer(digest.bytes, concat([r, s, toHex(v - 27, { size: 1 })]), recovery)).toBe(
          account.address,
        );
        const high = concat([r, pad(toHex(ORDER - BigInt(s))), toHex(v === 27 ? 28 : 27)]);
        expect(recoverAuthorizer(digest.bytes, high, recovery)).toBeUndefined();
        const compact = serializeCompactSignature({
          r,
          yParityAndS: pad(toHex(BigInt(s) + (v === 28 ? 1n << 255n : 0n))),
        });
        expect(recoverAuthorizer(digest.bytes, compact, recovery)).toBe(account.address);
        expect([canonicalSignature(compact), canonicalSignature(high)]).toEqual([signature, high]);
      }),
      { numRuns: 20 },
    );
  });

  it('never gives the signer for a changed digest or a changed signature', async () => {
    await fc.assert(
      fc.asyncProperty(digests, fc.nat(63), fc.integer({ min: 1, max: 255 }), async (digest, at, flip) => {
        const bytes = Buffer.from((await account.sign({ hash: digest.hex })).slice(2), 'hex');
        bytes[at] = (bytes[at] as number) ^ flip;
        expect(recoverAuthorizer(digest.bytes, bytesToHex(bytes), recovery)).not.toBe(account.address);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, Hex]>([
    ['empty', '0x'],
    ['63 bytes', `0x${'11'.repeat(63)}`],
    ['compact with a high s', `0x${'11'.repeat(32)}7f${'ff'.repeat(31)}`],
    ['66 bytes', `0x${'11'.repeat(66)}`],
    ['v = 2', `0x${'11'.repeat(64)}02`],
    ['all zero', `0x${'00'.repeat(64)}1b`],
    ['r above the order', `0x${'ff'.repeat(32)}${'11'.repeat(32)}1b`],
  ])('takes no signature that is %s', (_, signature) => {
    expect(recoverAuthorizer(new Uint8Array(32).fill(1), signature, recovery)).toBeUndefined();
  });
});
