import { concatBytes } from '@noble/hashes/utils.js';
import { hexToBytes, keccak256, type Address } from './Hex.js';

/** keccak-256. */
export type Keccak256 = (bytes: Uint8Array) => Uint8Array;

/** The digest that is signed (EIP-712), of a domain separator and the hash of a struct. */
export function typedDataDigest(
  separator: Uint8Array,
  structHash: Uint8Array,
  keccak: Keccak256 = keccak256,
): Uint8Array {
  const message = new Uint8Array(66);
  message.set([0x19, 0x01], 0);
  message.set(separator, 2);
  message.set(structHash, 34);
  return keccak(message);
}

/** A uint256 as the 32 bytes of its ABI encoding. */
export function uint256Word(value: bigint): Uint8Array {
  return hexToBytes(`0x${value.toString(16).padStart(64, '0')}`);
}

/** An address as the 32 bytes of its ABI encoding. */
export function addressWord(value: Address): Uint8Array {
  const word = new Uint8Array(32);
  word.set(hexToBytes(value), 12);
  return word;
}

/** The hash of words one after another. */
export function hashWords(...words: readonly Uint8Array[]): Uint8Array {
  return keccak256(concatBytes(...words));
}

/** What EIP-3009 has payers sign, whoever may send it. */
export const authorizationFields = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const;
