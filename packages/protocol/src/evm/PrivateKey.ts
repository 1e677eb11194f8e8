import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, checksumAddress, hexToBytes, keccak256, type Address, type Hex } from './Hex.js';

/** Signs by one secp256k1 key. The key itself is not to be had from it. */
export interface DigestSigner {
  readonly address: Address;
  /** Signature of a 32-byte digest: r, s (the low one, EIP-2) and v as 27 or 28. */
  sign(digest: Uint8Array): Hex;
}

/**
 * The signer of a private key: 0x and 64 hex digits, within the order of the curve.
 * @throws RangeError, which does not show the text, for one that is none
 */
export function privateKeySigner(privateKey: string): DigestSigner {
  const secret = /^0x[0-9a-fA-F]{64}$/.test(privateKey) ? hexToBytes(privateKey) : new Uint8Array();
  if (!secp256k1.utils.isValidSecretKey(secret))
    throw new RangeError('A private key is 32 bytes of hex with 0x in front.');
  let address: Address | undefined;
  return {
    // As dear as a signature, and whoever only signs does not ask for it.
    get address() {
      return (address ??= addressOf(secret));
    },
    sign(digest) {
      const signature = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' });
      const recovery = signature[0] as number;
      return `${bytesToHex(signature.subarray(1))}${(27 + recovery).toString(16)}` as Hex;
    },
  };
}

function addressOf(secret: Uint8Array): Address {
  const publicKey = secp256k1.getPublicKey(secret, false);
  return checksumAddress(bytesToHex(keccak256(publicKey.subarray(1)).subarray(12)));
}
