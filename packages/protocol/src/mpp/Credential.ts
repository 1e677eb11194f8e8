import * as z from 'zod';
import { AgentPayError } from '@agentpay/primitives';
import { base64url, fromBase64url, jcs, parseShape } from '../encoding/Json.js';
import { SCHEME, challengeSchema } from './Challenge.js';

/** Request headers that carry a credential; the second only where the challenge named it in `header`. */
export const AUTHORIZATION = 'Authorization';
export const PAYMENT_AUTHORIZATION = 'Payment-Authorization';

// Older clients echo `opaque` as the decoded object.
const echoedChallengeSchema = z.preprocess((value) => {
  if (typeof value !== 'object' || value === null) return value;
  const { opaque } = value as { opaque?: unknown };
  return typeof opaque === 'object' && opaque !== null ? { ...value, opaque: base64url(jcs(opaque)) } : value;
}, challengeSchema);

export const credentialSchema = z.object({
  challenge: echoedChallengeSchema,
  payload: z.record(z.string(), z.unknown()),
  source: z.string().max(512).optional(),
});

/** Proof of payment: the challenge it answers, the method's payload, optionally the payer as a DID. */
export type Credential = z.infer<typeof credentialSchema>;

/** The `Authorization` value of a credential. */
export function serializeCredential(credential: Credential): string {
  return `${SCHEME} ${base64url(JSON.stringify(credential))}`;
}

const PAYMENT_CREDENTIAL = /(?:^|,)\s*payment\s+([^\s,]+)/gi;

/** Whether the header holds a Payment credential, readable or not. */
export function hasCredential(header: string): boolean {
  return /(?:^|,)\s*payment(?:\s|$)/i.test(header);
}

/**
 * Reads the one Payment credential of an `Authorization` value.
 * @throws AgentPayError `payment_malformed`, `payment_ambiguous` when there are several
 */
export function readCredential(header: string): Credential {
  const tokens = [...header.matchAll(PAYMENT_CREDENTIAL)].map((match) => match[1] as string);
  if (tokens.length > 1)
    throw new AgentPayError('payment_ambiguous', 'The request carries several Payment credentials.');
  const [token] = tokens;
  if (token === undefined) throw new AgentPayError('payment_malformed', 'The Payment credential is empty.');
  return parseShape(credentialSchema, fromBase64url(token), 'Payment credential');
}
