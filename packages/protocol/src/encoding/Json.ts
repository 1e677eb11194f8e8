import canonicalize from 'canonicalize';
import { AgentPayError } from '@agentpay/primitives';
import * as z from 'zod';
import { readBase64, textOfBytes, writeBase64 } from '#platform';

/** Longest encoded proof or challenge that a decoder reads, in characters. Node refuses headers above 16 KiB altogether. */
export const MAX_ENCODED = 16 * 1024;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const BASE64URL = /^[A-Za-z0-9_-]+={0,2}$/;

/** A JSON value as base64 (standard alphabet, padded): how x402 carries JSON in headers. */
export function toBase64(value: unknown): string {
  return writeBase64(JSON.stringify(value), 'base64');
}

/** Reads {@link toBase64}; missing padding is accepted, the URL alphabet is not. @throws AgentPayError `payment_malformed` */
export function fromBase64(text: string): unknown {
  return decode(text, BASE64, 'base64');
}

/** Text or bytes as base64url without padding (RFC 4648 section 5). */
export function base64url(bytes: string | Uint8Array): string {
  return writeBase64(bytes, 'base64url');
}

/** Reads JSON from base64url, with or without padding. @throws AgentPayError `payment_malformed` */
export function fromBase64url(text: string): unknown {
  return decode(text, BASE64URL, 'base64url');
}

/** JSON text with everything beyond ASCII escaped: it has as many bytes as characters, and Node sends it as it stands. */
export function asciiJson(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Canonical JSON (RFC 8785): equal values give equal text. */
export function jcs(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('Only JSON values have a canonical form.');
  return text;
}

function decode(text: string, alphabet: RegExp, name: 'base64' | 'base64url'): unknown {
  if (text.length > MAX_ENCODED) throw malformed(`longer than ${MAX_ENCODED} characters`);
  if (!alphabet.test(text)) throw malformed(`not ${name}`);
  const value = parse(textOfBytes(readBase64(text, name)));
  if (!isPlain(value))
    throw malformed('nested too deeply, or with a forbidden key, broken text or a number out of range');
  return value;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw malformed('not JSON', cause);
  }
}

/** Deepest nesting of JSON from outside. */
const MAX_DEPTH = 32;

/**
 * Whether parsed JSON is free of what later steps choke on: nesting that overflows the stack of whoever walks it, own `__proto__` keys,
 * which survive into objects merged later, and numbers and text that have no canonical form.
 */
export function isPlain(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  return Object.entries(value).every(
    ([key, member]) => key !== '__proto__' && isPlain(key) && isPlain(member, depth + 1),
  );
}

/** Parses a decoded value. @throws AgentPayError `payment_malformed` naming the first offending field */
export function parseShape<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
  throw new AgentPayError(
    'payment_malformed',
    `The ${what} is malformed${where}: ${issue?.message ?? 'wrong shape'}.`,
  );
}

/** A JSON object in which a null member means an absent one, as some implementations write it. */
export function nullable<S extends z.ZodRawShape>(shape: S) {
  return z.preprocess(dropNulls, z.object(shape));
}

function dropNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (!Object.values(value).includes(null)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

function malformed(why: string, cause?: unknown): AgentPayError {
  return new AgentPayError('payment_malformed', `The payment cannot be read: ${why}.`, { cause });
}
