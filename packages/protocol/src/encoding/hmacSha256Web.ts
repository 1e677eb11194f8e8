import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { HmacEncoding, HmacSha256 } from './hmacSha256.js';
import { bytesOfText, writeBase64, writeHex } from '../platform/web.js';

/** HMAC-SHA256 where there is no `node:crypto`. */
export function hmacSha256(secret: string): HmacSha256 {
  const key = bytesOfText(secret);
  const of = (text: string, encoding: HmacEncoding = 'base64url') => {
    const digest = hmac(sha256, key, bytesOfText(text));
    return encoding === 'hex' ? writeHex(digest) : writeBase64(digest, encoding);
  };
  return {
    of,
    ofChanging:
      ({ before, after }) =>
      (changed) =>
        of(before + changed + after),
  };
}
