import { sign, verify } from 'node:crypto';
import * as z from 'zod';
import { readBase64 } from '#platform';
import { base64url, fromBase64url, MAX_ENCODED } from '../encoding/Json.js';
import type { PaymentTokenKey, PaymentTokenKeys } from './PaymentTokenKeys.js';
import { usageTokenClaimsSchema, type UsageTokenClaims } from './UsageTokenClaims.js';

/** Request header that tells a seller of a metered call. */
export const AGENTPAY_USAGE_TOKEN = 'AgentPay-Usage-Token';

const headerSchema = z.object({
  alg: z.literal('EdDSA'),
  typ: z.literal('agentpay-usage+jwt'),
  kid: z.string().min(1).max(64),
});

/** Signs what a seller is told of a metered call: a compact JWS (RFC 7515, EdDSA) by the key of payment tokens, of another type. */
export function signUsageToken(claims: UsageTokenClaims, key: PaymentTokenKey): string {
  const header = base64url(JSON.stringify({ alg: 'EdDSA', typ: 'agentpay-usage+jwt', kid: key.kid }));
  const input = `${header}.${base64url(JSON.stringify(claims))}`;
  return `${input}.${base64url(sign(null, Buffer.from(input), key.privateKey))}`;
}

/** The key id that a usage token names; undefined when it is none. */
export function usageTokenKid(token: string): string | undefined {
  return token.length > MAX_ENCODED ? undefined : headerOf(token.split('.')[0] ?? '')?.kid;
}

/**
 * The claims of a usage token that these keys signed for the service and that has not expired; undefined for anything else.
 * @param options.now Unix seconds
 */
export function readUsageToken(
  token: string,
  keys: PaymentTokenKeys,
  { now, audience }: { now: number; audience: string },
): UsageTokenClaims | undefined {
  const kid = usageTokenKid(token);
  const key = kid === undefined ? undefined : keys(kid);
  const [head, body, signature = '', ...more] = token.split('.');
  if (!key || !head || !body || more.length > 0) return undefined;
  if (!verify(null, Buffer.from(`${head}.${body}`), key, readBase64(signature, 'base64url')))
    return undefined;
  const { data } = usageTokenClaimsSchema.safeParse(decoded(body));
  return data && data.aud === audience && data.exp > now ? data : undefined;
}

function headerOf(head: string): { kid: string } | undefined {
  return headerSchema.safeParse(decoded(head)).data;
}

function decoded(text: string): unknown {
  try {
    return fromBase64url(text);
  } catch {
    return undefined;
  }
}
