import { hash } from 'node:crypto';

const BLOCK = 64;
const DIGEST = 32;

/** A text in which some ASCII characters change, and nothing around them. */
export interface Changing {
  readonly before: string;
  /** Of what changes, in characters. */
  readonly length: number;
  readonly after: string;
}

export type HmacEncoding = 'base64url' | 'base64' | 'hex';

/** HMAC-SHA256 under one secret (RFC 2104). */
export interface HmacSha256 {
  /** base64url unless something else is asked for. */
  of(text: string, encoding?: HmacEncoding): string;
  /** In base64url, of texts that differ in one place only: what they share is laid out once. What changes always has the same length. */
  ofChanging(text: Changing): (changed: string) => string;
}

/**
 * `createHmac` makes an object with a stream in it for every text, which costs several times the hashing: every 402 has an HMAC in it.
 */
export function hmacSha256(secret: string): HmacSha256 {
  const bytes = Buffer.from(secret, 'utf8');
  const key = Buffer.alloc(BLOCK);
  (bytes.length > BLOCK ? hash('sha256', bytes, 'buffer') : bytes).copy(key);
  const inner = key.map((byte) => byte ^ 0x36);
  const outer = Buffer.concat([key.map((byte) => byte ^ 0x5c), Buffer.alloc(DIGEST)]);
  // All are used again for every text: there is nothing to be collected.
  let buffer = Buffer.from(inner);

  function digest(message: Buffer, encoding: HmacEncoding = 'base64url'): string {
    outer.write(hash('sha256', message, 'binary'), BLOCK, 'binary');
    return hash('sha256', outer, encoding);
  }
  return {
    of(text, encoding) {
      const end = BLOCK + Buffer.byteLength(text);
      if (end > buffer.length) buffer = Buffer.concat([inner], end);
      buffer.write(text, BLOCK);
      return digest(buffer.subarray(0, end), encoding);
    },
    ofChanging({ before, length, after }) {
      const start = Buffer.concat([inner, Buffer.from(before)]);
      const message = Buffer.concat([start, Buffer.alloc(length), Buffer.from(after)]);
      return (changed) => {
        message.write(changed, start.length, length, 'latin1');
        return digest(message);
      };
    },
  };
}
