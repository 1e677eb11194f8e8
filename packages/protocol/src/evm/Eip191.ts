import { concatBytes } from '@noble/hashes/utils.js';
import { bytesOfText } from '#platform';
import { keccak256 } from './Hex.js';

/** The 32-byte digest of a text that is signed with `personal_sign` (EIP-191, version 0x45). */
export function hashPersonalMessage(text: string): Uint8Array {
  const message = bytesOfText(text);
  return keccak256(concatBytes(bytesOfText(`\x19Ethereum Signed Message:\n${message.length}`), message));
}
