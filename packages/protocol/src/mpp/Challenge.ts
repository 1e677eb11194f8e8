import { AgentPayError, memoize } from '@agentpay/primitives';
import * as z from 'zod';
import { hmacSha256 } from '#hmac';
import { isSameText } from '#platform';
import type { Changing } from '../encoding/hmacSha256.js';
import { MAX_ENCODED, base64url, fromBase64url, jcs, parseShape } from '../encoding/Json.js';
import { formatChallenge, parseChallenges } from './AuthParams.js';

/** Response header of challenges and scheme name (draft-httpauth-payment). */
export const WWW_AUTHENTICATE = 'WWW-Authenticate';
export const SCHEME = 'Payment';

/** Longest `request` or `opaque` that is read, in characters. */
const MAX_PARAM = MAX_ENCODED;
const text = z.string().max(MAX_PARAM);

/** A payment challenge. `request` and `opaque` stay in their wire form: base64url of canonical JSON. */
export const challengeSchema = z.object({
  id: z.string().min(1).max(512),
  realm: z.string().min(1).max(512),
  method: z.string().regex(/^[a-z][a-z0-9:_-]{0,63}$/),
  intent: z.string().min(1).max(64),
  request: text.min(1),
  expires: z.string().max(64).optional(),
  digest: z.string().max(128).optional(),
  description: z.string().max(4096).optional(),
  header: z.string().max(64).optional(),
  opaque: text.optional(),
});

export type Challenge = z.infer<typeof challengeSchema>;

/** The parts of a challenge that its id binds. */
export type Bound = Pick<
  Challenge,
  'realm' | 'method' | 'intent' | 'request' | 'expires' | 'digest' | 'header' | 'opaque'
>;

/** Shortest secret that may bind challenges, in bytes. */
export const MIN_SECRET_BYTES = 32;

/**
 * The id of a challenge: HMAC-SHA256 over its bound parts in fixed slots joined by "|", base64url. An absent part leaves its slot empty,
 * except `header`, which takes a slot before `opaque` only where it is present and names another header than `Authorization`.
 */
export function challengeId(bound: Bound, secret: string): string {
  return bindingBy(secret).of(slots(bound).join('|'));
}

/** What binds under a secret, made once: there are only the secret of the process, and those that it still honours. */
const bindingBy = memoize(16, hmacSha256);

function slots(bound: Bound): string[] {
  const { realm, method, intent, request, expires = '', digest = '', header, opaque = '' } = bound;
  return [realm, method, intent, request, expires, digest, ...headerSlot(header), opaque];
}

function headerSlot(header = 'Authorization'): string[] {
  return header === 'Authorization' ? [] : [header];
}

// A part that holds the separator could pose as two parts.
function isBindable(bound: Bound): boolean {
  return !slots(bound).some((slot) => slot.includes('|'));
}

/** Whether the challenge was issued under one of the secrets: the current one first, then those that are being rotated out. */
export function isOwnChallenge(challenge: Challenge, secrets: readonly string[]): boolean {
  if (!isBindable(challenge)) return false;
  return secrets.some((secret) => isSameText(challenge.id, challengeId(challenge, secret)));
}

/** Parts of a new challenge; `request` and `opaque` as JSON objects. */
export interface NewChallenge {
  readonly realm: string;
  readonly method: string;
  readonly intent: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly opaque?: Readonly<Record<string, string>>;
  readonly expires?: string;
  readonly digest?: string;
  readonly description?: string;
  readonly header?: string;
}

/** Builds a challenge and binds it to the secret. @throws RangeError when a part holds the slot separator "|" */
export function createChallenge(parts: NewChallenge, secret: string): Challenge {
  const { request, opaque, ...rest } = parts;
  const bound = {
    ...rest,
    request: base64url(jcs(request)),
    ...(opaque && { opaque: base64url(jcs(opaque)) }),
  };
  if (!isBindable(bound)) throw new RangeError('No part of a challenge may contain "|".');
  return { id: challengeId(bound, secret), ...bound };
}

/** The parts of a challenge that change from request to request. They hold no characters that would need quoting. */
export interface FreshParts {
  readonly expires: string;
  readonly digest?: string | undefined;
  readonly opaque: string;
}

/** `header`: the `WWW-Authenticate` value. */
export interface IssuedChallenge {
  readonly id: string;
  readonly header: string;
}

/** Issues challenges that share all but their {@link FreshParts}: the rest is rendered once. */
export interface ChallengeTemplate {
  one(fresh: FreshParts, secret: string): IssuedChallenge;
  /** Issues many that differ from each other only where `opaque` changes. */
  many(
    same: { readonly expires: string; readonly opaque: Changing },
    secret: string,
  ): (changed: string) => IssuedChallenge;
}

/** @throws RangeError when a part holds the slot separator "|" or control characters */
export function challengeTemplate(fixed: Omit<Challenge, 'id' | keyof FreshParts>): ChallengeTemplate {
  if (!isBindable(fixed)) throw new RangeError('No part of a challenge may contain "|".');
  const { realm, method, intent, request, header } = fixed;
  const boundStart = [realm, method, intent, request].join('|');
  const boundEnd = ['', ...headerSlot(header), ''].join('|');
  const params = formatChallenge('', fixed);
  const boundText = ({ expires, digest = '', opaque }: FreshParts) =>
    `${boundStart}|${expires}|${digest}${boundEnd}${opaque}`;
  const issued = (id: string, { expires, digest, opaque }: FreshParts): IssuedChallenge => {
    const digestParam = digest === undefined ? '' : `, digest="${digest}"`;
    return {
      id,
      header: `${SCHEME} id="${id}",${params}, expires="${expires}"${digestParam}, opaque="${opaque}"`,
    };
  };
  return {
    one: (fresh, secret) => issued(bindingBy(secret).of(boundText(fresh)), fresh),
    many({ expires, opaque: { before, length, after } }, secret) {
      const idOf = bindingBy(secret).ofChanging({
        before: boundText({ expires, opaque: before }),
        length,
        after,
      });
      return (changed) => issued(idOf(changed), { expires, opaque: `${before}${changed}${after}` });
    },
  };
}

/** The `WWW-Authenticate` value of a challenge (RFC 9110 section 11, quoted strings). */
export function serializeChallenge(challenge: Challenge): string {
  return formatChallenge(SCHEME, challenge);
}

/**
 * The Payment challenges of a `WWW-Authenticate` value (several values joined by commas); other schemes and unreadable Payment
 * challenges are passed over.
 */
export function readChallenges(header: string): Challenge[] {
  const found: Challenge[] = [];
  for (const { scheme, params } of parseChallenges(header)) {
    if (scheme.toLowerCase() !== SCHEME.toLowerCase()) continue;
    const parsed = challengeSchema.safeParse(params);
    if (parsed.success) found.push(parsed.data);
  }
  return found;
}

const opaqueSchema = z.record(z.string(), z.string());

/** The `opaque` of a challenge as an object; empty when there is none. @throws AgentPayError `payment_malformed` */
export function readOpaque(challenge: Challenge): Record<string, string> {
  return challenge.opaque === undefined
    ? {}
    : parseShape(opaqueSchema, fromBase64url(challenge.opaque), 'opaque of the challenge');
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** When the challenge ends, in ms since the Unix epoch. @throws AgentPayError `payment_malformed` when absent or not RFC 3339 */
export function expiresAtMs(challenge: Challenge): number {
  const expires = challenge.expires ?? '';
  const ms = RFC3339.test(expires) ? Date.parse(expires.toUpperCase()) : Number.NaN;
  if (Number.isNaN(ms)) throw new AgentPayError('payment_malformed', 'The challenge has no readable expiry.');
  return ms;
}
