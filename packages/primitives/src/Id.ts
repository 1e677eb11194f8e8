import type { Clock } from './Clock.js';
import type { Random } from './Random.js';

/** Prefix of every kind of id. An id is resolved inside its own resource only, never by prefix. */
export const idPrefixes = {
  agent: 'agent_',
  wallet: 'wallet_',
  credential: 'key_',
  service: 'svc_',
  token: 'tokid_',
  transaction: 'tx_',
  hold: 'hold_',
  journal: 'jr_',
  event: 'evt_',
  request: 'req_',
  settlement: 'stl_',
} as const;

export type IdKind = keyof typeof idPrefixes;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

/** A new id: prefix, 48 bits of milliseconds and 80 random bits in lower-case Crockford base 32, so that ids sort by time. */
export function newId(kind: IdKind, source: { clock: Clock; random: Random }): string {
  let text = '';
  for (let ms = source.clock.now(), i = 0; i < TIME_DIGITS; i++, ms = Math.floor(ms / 32)) text = ALPHABET.charAt(ms % 32) + text;
  // Five bits of sixteen bytes: what is left over costs nothing.
  for (const byte of source.random.bytes(RANDOM_DIGITS)) text += ALPHABET.charAt(byte & 31);
  return idPrefixes[kind] + text;
}

/** Whether the text has the shape of an id of this kind. Says nothing about existence. */
export function isId(kind: IdKind, text: string): boolean {
  const prefix = idPrefixes[kind];
  return text.startsWith(prefix) && /^[0-9a-z]{26}$/.test(text.slice(prefix.length));
}
