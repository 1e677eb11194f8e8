import { memoize } from '@agentpay/primitives';
import { hmacSha256 } from '@agentpay/protocol';

/** HMAC-SHA256 of a text, for what every request or every journal has one of. */
export function keyedHash(key: string, text: string, encoding: 'hex' | 'base64'): string {
  return under(key).of(text, encoding);
}

const under = memoize(4, hmacSha256);
