import fc from 'fast-check';
import { hashTypedData } from 'viem';
import { hashPermit, permitTypedData } from './Erc2612.js';
import { bytesToHex } from './Hex.js';

const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => bytesToHex(bytes));
const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const numbers = { value: uint256, nonce: uint256, deadline: uint256 };
const anyPermit = fc.record({ owner: address, spender: address, ...numbers });
const text = fc.string({ minLength: 1 });
const chainId = fc.integer({ min: 1 });
const anyDomain = fc.record({ name: text, version: text, chainId, verifyingContract: address });

it('hashes of permits equal those of viem for any permit and any domain', () => {
  fc.assert(
    fc.property(anyDomain, anyPermit, (domain, permit) => {
      expect(bytesToHex(hashPermit(domain, permit))).toBe(hashTypedData(permitTypedData(domain, permit)));
    }),
    { numRuns: 100 },
  );
});
