import { memoize } from '@agentpay/primitives';
import { keccak_256 } from '@noble/hashes/sha3.js';
import * as z from 'zod';
import { bytesOfText, readHex, writeHex } from '#platform';

/** Bytes as 0x-prefixed hexadecimal text. */
export type Hex = `0x${string}`;
/** A 20-byte address; compared without regard to case, written in EIP-55 form. */
export type Address = Hex;

export const addressSchema = z.custom<Address>(
  (v) => typeof v === 'string' && /^0x[0-9a-fA-F]{40}$/.test(v),
  'must be a 20-byte address',
);
export const bytes32Schema = z.custom<Hex>(
  (v) => typeof v === 'string' && /^0x[0-9a-fA-F]{64}$/.test(v),
  'must be 32 bytes of hex',
);
/** Signature bytes of any kind (65-byte ECDSA, ERC-1271, ERC-6492), at most 8 KiB. */
export const signatureSchema = z.custom<Hex>(
  (v) => typeof v === 'string' && /^0x(?:[0-9a-fA-F]{2}){1,8192}$/.test(v),
  'must be signature bytes as hex',
);
/** A uint256 as decimal text without leading zeros. */
export const uint256Schema = z.string().refine(isUint256, 'must be a uint256 in decimal digits');
/** A CAIP-2 network id. */
export const caip2Schema = z
  .string()
  .regex(/^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/, 'must be a CAIP-2 network id');

const UINT256_END = 2n ** 256n;
/** What has fewer digits is below the end. */
const UINT256_DIGITS = 78;

function isUint256(text: string): boolean {
  return /^(0|[1-9]\d{0,77})$/.test(text) && (text.length < UINT256_DIGITS || BigInt(text) < UINT256_END);
}

export function bytesToHex(bytes: Uint8Array): Hex {
  return `0x${writeHex(bytes)}`;
}

export function hexToBytes(hex: string): Uint8Array {
  return readHex(hex.slice(2));
}

/** keccak-256 of bytes, or of the UTF-8 bytes of a text. */
export function keccak256(input: Uint8Array | string): Uint8Array {
  return keccak_256(typeof input === 'string' ? bytesOfText(input) : input);
}

/** Whether two addresses (or other hex values) are the same bytes. */
export function sameHex(a: string, b: string): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  // Most that differ do so in their last digits, which are seen without making new texts: bit 5 is the case of a letter.
  for (let i = a.length - 1; i >= a.length - 4 && i >= 0; i--) {
    if ((a.charCodeAt(i) | 32) !== (b.charCodeAt(i) | 32)) return false;
  }
  return a.toLowerCase() === b.toLowerCase();
}

/** The address in EIP-55 checksum form. The latest ones are remembered, because the hash is most of the work. */
export const checksumAddress: (address: string) => Address = memoize(8_192, hashedChecksum);

function hashedChecksum(address: string): Address {
  const lower = address.slice(2).toLowerCase();
  const hash = writeHex(keccak256(lower));
  let text = '0x';
  for (let i = 0; i < 40; i++) {
    const digit = lower[i] as string;
    text += Number.parseInt(hash[i] as string, 16) >= 8 ? digit.toUpperCase() : digit;
  }
  return text as Address;
}
