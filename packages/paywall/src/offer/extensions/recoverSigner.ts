import { createRequire } from 'node:module';
import {
  bytesToHex,
  checksumAddress,
  hexToBytes,
  keccak256,
  type Address,
  type Hex,
} from '@agentpay/protocol';

interface Secp256k1 {
  recover(
    digest: Uint8Array,
    signature: Uint8Array,
    recoveryId: 0 | 1,
    compressed: boolean,
  ): Uint8Array | null;
}

const require = createRequire(import.meta.url);

/** The account whose key signed the digest; undefined when the bytes are no ECDSA signature of 65 bytes. */
export function recoverSigner(digest: Uint8Array, signature: Hex): Address | undefined {
  const bytes = hexToBytes(signature);
  const v = bytes[64];
  if (bytes.length !== 65 || (v !== 27 && v !== 28)) return undefined;
  try {
    // Compiled when the first signature comes.
    const { recover } = require('tiny-secp256k1') as Secp256k1;
    const key = recover(digest, bytes.subarray(0, 64), v === 28 ? 1 : 0, false);
    return key ? checksumAddress(bytesToHex(keccak256(key.subarray(1)).subarray(12))) : undefined;
  } catch {
    return undefined; // r or s out of range
  }
}
