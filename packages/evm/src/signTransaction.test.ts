import fc from 'fast-check';
import { keccak256 } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { signTransaction } from './signTransaction.js';

const account = privateKeyToAccount(`0x${'42'.repeat(32)}`);

const hex = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as const);
const fields = fc.record({
  chainId: fc.integer({ min: 1, max: 2 ** 31 }),
  nonce: fc.oneof(fc.constant(0), fc.nat()),
  to: hex(20, 20),
  data: fc.oneof(hex(0, 3), hex(54, 58), hex(250, 258)),
  gas: fc.bigInt({ min: 0n, max: 30_000_000n }),
  maxFeePerGas: fc.bigInt({ min: 0n, max: 2n ** 70n }),
  maxPriorityFeePerGas: fc.constant(0n),
});

describe('a signed transaction', () => {
  it('is that of viem to the last byte, whether or not the account signs hashes', async () => {
    const { sign: _, ...remote } = account;
    await fc.assert(
      fc.asyncProperty(fields, async (transaction) => {
        const raw = await account.signTransaction({ type: 'eip1559', value: 0n, ...transaction });
        const expected = { raw, hash: keccak256(raw) };
        expect(await signTransaction(account, transaction)).toEqual(expected);
        expect(await signTransaction(remote as typeof account, transaction)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
