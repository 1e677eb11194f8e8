import { createRequire } from 'node:module';
import { bytesToHex, hexToBytes, type Hex } from '@agentpay/protocol';

interface Secp256k1 {
  signRecoverable(
    digest: Uint8Array,
    key: Uint8Array,
  ): { readonly signature: Uint8Array; readonly recoveryId: 0 | 1 };
}

const { signRecoverable } = createRequire(import.meta.url)('tiny-secp256k1') as Secp256k1;

/** The well-known key of the test payer. */
const PAYER_KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';

/** Signs a digest with a test key, in 65 bytes. */
export function signDigest(digest: Uint8Array, key: Hex = PAYER_KEY): Hex {
  const { signature, recoveryId } = signRecoverable(digest, hexToBytes(key));
  return `${bytesToHex(signature)}${(27 + recoveryId).toString(16)}` as Hex;
}
