import { createHash, timingSafeEqual } from 'node:crypto';
import type { Random } from '@agentpay/primitives';

/** What a key opens: `/verify`, `/settle`, or everything an operator sees and does. None includes another. */
export const scopes = ['verify', 'settle', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** A key by the SHA-256 of its text. The text has 256 random bits, so a plain hash gives nothing away. */
export interface ApiKey {
  /** Names the holder in logs and limits. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly hash: Uint8Array;
}

const ENTRY = /^([\w.-]{1,64}):([a-z+]{1,64}):([0-9a-f]{64})$/;

/**
 * Reads entries "name:scope+scope:sha256 in hex"; a text says what is wrong, without the entry.
 * @example
 * ```ts
 * import { parseApiKeys } from '@agentpay/facilitator';
 *
 * const keys = parseApiKeys(process.env['API_KEYS']?.split(',') ?? []);
 * if (typeof keys === 'string') throw new Error(`API_KEYS ${keys}.`);
 * ```
 */
export function parseApiKeys(entries: readonly string[]): readonly ApiKey[] | string {
  const keys: ApiKey[] = [];
  for (const [i, entry] of entries.entries()) {
    const [, name = '', given = '', hash = ''] = ENTRY.exec(entry) ?? [];
    const chosen = given
      .split('+')
      .filter((scope): scope is Scope => (scopes as readonly string[]).includes(scope));
    if (name === '' || chosen.length !== given.split('+').length) {
      return `has an entry (number ${i + 1}) that is not name:scope+scope:hash with the scopes ${scopes.join(', ')} and a SHA-256 in hex`;
    }
    if (keys.some((key) => key.name === name)) return `names ${name} twice`;
    keys.push({ name, scopes: chosen, hash: Buffer.from(hash, 'hex') });
  }
  return keys;
}

/**
 * A new key: its text, shown once, and the entry for API_KEYS.
 * @example
 * ```ts
 * import { newApiKey } from '@agentpay/facilitator';
 * import { systemRandom } from '@agentpay/primitives';
 *
 * const { text, entry } = newApiKey('shop', ['verify', 'settle'], systemRandom);
 * console.log(`For the seller: ${text}\nFor API_KEYS: ${entry}`);
 * ```
 */
export function newApiKey(
  name: string,
  chosen: readonly Scope[],
  random: Random,
): { readonly text: string; readonly entry: string } {
  const text = `fk_${Buffer.from(random.bytes(32)).toString('base64url')}`;
  return { text, entry: `${name}:${chosen.join('+')}:${Buffer.from(hashOf(text)).toString('hex')}` };
}

/**
 * The key with this text. Takes equally long wherever it stands in the list, and if it does not.
 * @example
 * ```ts
 * import { findApiKey, newApiKey, parseApiKeys } from '@agentpay/facilitator';
 * import { systemRandom } from '@agentpay/primitives';
 *
 * const { text, entry } = newApiKey('shop', ['verify'], systemRandom);
 * const keys = parseApiKeys([entry]);
 * if (typeof keys !== 'string') findApiKey(keys, text)?.name; // 'shop'
 * ```
 */
export function findApiKey(keys: readonly ApiKey[], text: string): ApiKey | undefined {
  const hash = hashOf(text);
  let found: ApiKey | undefined;
  for (const key of keys) if (timingSafeEqual(key.hash, hash)) found = key;
  return found;
}

/** Whether two secrets are equal, in a time that does not tell how alike they are. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hashOf(a), hashOf(b));
}

function hashOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
