import { memoize } from '@agentpay/primitives';
import { hmacSha256 } from '@agentpay/protocol';

/** HMAC-SHA256 of a text, for what every request or every journal has one of. */
export function keyedHash(key: string, text: string): Buffer {
  return Buffer.from(under(key).of(text), 'base64url');
}

const under = memoize(4, hmacSha256);
