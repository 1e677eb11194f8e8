import fc from 'fast-check';
import { getAddress, type Address, type Hex } from 'viem';

/** 0x and `length` bytes in lower-case hex. */
export function arbitraryHex(length: number): fc.Arbitrary<Hex> {
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as const);
}

/** An EIP-55 address other than zero. */
export const arbitraryAddress: fc.Arbitrary<Address> = arbitraryHex(20)
  .filter((hex) => BigInt(hex) !== 0n)
  .map((hex) => getAddress(hex));

/** A payment in base units, from one to a million USDC, small ones often. */
export const arbitraryAmount: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 1n, max: 20n }),
  fc.bigInt({ min: 1n, max: 10n ** 6n }),
  fc.bigInt({ min: 1n, max: 10n ** 12n }),
);

/** Any uint256. */
export const arbitraryUint256: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
