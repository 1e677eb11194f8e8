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

/** A new id: prefix, 48 bits of milliseconds and 80 random bits in lower-case Crockford base 32, so that ids sort by time. */
export function newId(kind: IdKind, source: { clock: Clock; random: Random }): string {
  let value = BigInt(source.clock.now());
  for (const byte of source.random.bytes(10)) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 26; i++) {
    text = ALPHABET[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return idPrefixes[kind] + text;
}

/** Whether the text has the shape of an id of this kind. Says nothing about existence. */
export function isId(kind: IdKind, text: string): boolean {
  const prefix = idPrefixes[kind];
  return text.startsWith(prefix) && /^[0-9a-z]{26}$/.test(text.slice(prefix.length));
}
