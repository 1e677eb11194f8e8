import { hash } from 'node:crypto';

const BLOCK = 64;
const DIGEST = 32;

/**
 * HMAC-SHA256 of texts under one secret, as base64url (RFC 2104). `createHmac` makes an object with a stream in it for every text, which
 * costs several times the hashing: every 402 has an HMAC in it.
 */
export function hmacSha256(secret: string): (text: string) => string {
  const bytes = Buffer.from(secret, 'utf8');
  const key = Buffer.alloc(BLOCK);
  (bytes.length > BLOCK ? hash('sha256', bytes, 'buffer') : bytes).copy(key);
  const inner = key.map((byte) => byte ^ 0x36);
  const outer = Buffer.concat([key.map((byte) => byte ^ 0x5c), Buffer.alloc(DIGEST)]);
  // Both are used again for every text: there is nothing to be collected.
  let message = Buffer.from(inner);
  return (text) => {
    const end = BLOCK + Buffer.byteLength(text);
    if (end > message.length) message = Buffer.concat([inner], end);
    message.write(text, BLOCK);
    outer.write(hash('sha256', message.subarray(0, end), 'binary'), BLOCK, 'binary');
    return hash('sha256', outer, 'base64url');
  };
}
