import { bytesToHex, checksumAddress, hexToBytes, keccak256, type Address, type Hex } from '@agentpay/protocol';
import { keyRecovery } from './recoverKey.js';

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** A 65-byte ECDSA signature taken apart. */
export interface EcdsaSignature {
  readonly r: Hex;
  readonly s: Hex;
  readonly v: 27 | 28;
}

/**
 * Takes a 65-byte signature apart; undefined for any other length, a high `s` (EIP-2: of the two forms only the low one is good)
 * or a `v` other than 27, 28, 0 and 1.
 */
export function parseSignature(signature: Hex): EcdsaSignature | undefined {
  if (signature.length !== 132) return undefined;
  const v = Number.parseInt(signature.slice(130), 16);
  const s: Hex = `0x${signature.slice(66, 130)}`;
  if (BigInt(s) > HALF_ORDER) return undefined;
  if (v !== 0 && v !== 1 && v !== 27 && v !== 28) return undefined;
  return { r: `0x${signature.slice(2, 66)}`, s, v: v % 27 === 0 ? 27 : 28 };
}

/** The account whose key signed the digest; undefined when the bytes are no ECDSA signature as {@link parseSignature} takes them. */
export function recoverAuthorizer(digest: Uint8Array, signature: Hex, { recover } = keyRecovery): Address | undefined {
  const parsed = parseSignature(signature);
  if (!parsed) return undefined;
  const key = recover(digest, hexToBytes(signature.slice(0, 130)), parsed.v === 28 ? 1 : 0);
  return key && checksumAddress(bytesToHex(keccak256(key.subarray(1)).subarray(12)));
}
