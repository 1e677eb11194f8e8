import { bytesToHex, checksumAddress, hexToBytes, type Address, type Hex } from '@agentpay/protocol';
import { keccak256 } from './keccak256.js';
import { keyRecovery } from './recoverKey.js';

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

const TOP_BIT = 1n << 255n;

/** An ECDSA signature taken apart. */
export interface EcdsaSignature {
  readonly r: Hex;
  readonly s: Hex;
  readonly v: 27 | 28;
}

/**
 * Takes a signature of 65 bytes, or of 64 (compact, EIP-2098), apart; undefined for any other length, a high `s` (EIP-2: of the two forms
 * only the low one is good) or a `v` other than 27, 28, 0 and 1.
 */
export function parseSignature(signature: Hex): EcdsaSignature | undefined {
  const { length } = signature;
  if (length !== 132 && length !== 130) return undefined;
  const second = BigInt(`0x${signature.slice(66, 130)}`);
  const compact = length === 130;
  const s = compact ? second & ~TOP_BIT : second;
  if (s > HALF_ORDER) return undefined;
  const v = compact ? Number(second / TOP_BIT) : Number.parseInt(signature.slice(130), 16);
  if (v !== 0 && v !== 1 && v !== 27 && v !== 28) return undefined;
  return {
    r: `0x${signature.slice(2, 66)}`,
    s: `0x${s.toString(16).padStart(64, '0')}`,
    v: v % 27 === 0 ? 27 : 28,
  };
}

/** The one 65-byte form of a signature that {@link parseSignature} takes, as every contract takes it; others stay as they are. */
export function canonicalSignature(signature: Hex): Hex {
  const parsed = parseSignature(signature);
  return parsed ? (`${parsed.r}${parsed.s.slice(2)}${parsed.v.toString(16)}` as Hex) : signature;
}

/** The account whose key signed the digest; undefined when the bytes are no ECDSA signature as {@link parseSignature} takes them. */
export function recoverAuthorizer(
  digest: Uint8Array,
  signature: Hex,
  { recover } = keyRecovery,
): Address | undefined {
  const parsed = parseSignature(signature);
  if (!parsed) return undefined;
  const key = recover(digest, hexToBytes(`${parsed.r}${parsed.s.slice(2)}`), parsed.v === 28 ? 1 : 0);
  return key && checksumAddress(bytesToHex(keccak256(key.subarray(1)).subarray(12)));
}
