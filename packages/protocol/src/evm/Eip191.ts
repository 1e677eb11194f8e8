import { keccak256 } from './Hex.js';

/** The 32-byte digest of a text that is signed with `personal_sign` (EIP-191, version 0x45). */
export function hashPersonalMessage(text: string): Uint8Array {
  const message = Buffer.from(text, 'utf8');
  return keccak256(
    Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${message.length}`, 'utf8'), message]),
  );
}
