import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { HmacSha256 } from './hmacSha256.js';
import { bytesOfText, writeBase64 } from '../platform/web.js';

/** HMAC-SHA256 where there is no `node:crypto`. */
export function hmacSha256(secret: string): HmacSha256 {
  const key = bytesOfText(secret);
  const of = (text: string) => writeBase64(hmac(sha256, key, bytesOfText(text)), 'base64url');
  return {
    of,
    ofChanging:
      ({ before, after }) =>
      (changed) =>
        of(before + changed + after),
  };
}
