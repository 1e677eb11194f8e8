import fc from 'fast-check';
import type { Hex } from '@agentpay/protocol';
import { encodeFunctionData, parseAbi } from 'viem';
import { encodeWords } from './encodeWords.js';
import {
  authorizationStateCall,
  balanceCall,
  fiatTokenAbi,
  isValidSignatureCall,
  transferCall,
} from './FiatToken.js';

const bytes = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((value): Hex => `0x${Buffer.from(value).toString('hex')}`);
const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const times = { validAfter: uint256, validBefore: uint256 };
const anyAuthorization = fc.record({
  from: bytes(20),
  to: bytes(20),
  value: uint256,
  ...times,
  nonce: bytes(32),
});
const low = fc.bigInt({ min: 1n, max: 2n ** 254n }).map((s) => s.toString(16).padStart(64, '0'));
const asset = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';

describe('calls of the token written out', () => {
  it('are what a general coder makes of them', () => {
    fc.assert(
      fc.property(anyAuthorization, bytes(32), low, fc.constantFrom(27, 28), (authorization, r, s, v) => {
        const { from, to, value, validAfter, validBefore, nonce } = authorization;
        const signature: Hex = `${r}${s}${v.toString(16)}`;
        const args = [from, to, value, validAfter, validBefore, nonce, v, r, `0x${s}`] as const;
        expect(transferCall(asset, authorization, signature).data).toBe(
          encodeFunctionData({ abi: fiatTokenAbi, functionName: 'transferWithAuthorization', args }),
        );
        expect(authorizationStateCall(asset, from, nonce).data).toBe(
          encodeFunctionData({ abi: fiatTokenAbi, functionName: 'authorizationState', args: [from, nonce] }),
        );
        expect(balanceCall(asset, from).data).toBe(
          encodeFunctionData({ abi: fiatTokenAbi, functionName: 'balanceOf', args: [from] }),
        );
      }),
    );
  });

  it('carry a signature of any length to an account', () => {
    const abi = parseAbi([
      'function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)',
    ]);
    fc.assert(
      fc.property(bytes(32), bytes(1, 200), (digest, signature) => {
        expect(isValidSignatureCall(asset, digest, signature).data).toBe(
          encodeFunctionData({ abi, functionName: 'isValidSignature', args: [digest, signature] }),
        );
      }),
    );
  });

  it('refuse what does not fit into a word', () => {
    expect(() => encodeWords('0x00000000', 2n ** 256n)).toThrow(RangeError);
    expect(() => encodeWords('0x00000000', -1n)).toThrow(RangeError);
    expect(() => encodeWords('0x00000000', `0x${'11'.repeat(33)}`)).toThrow(RangeError);
  });
});
