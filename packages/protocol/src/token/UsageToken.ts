import { sign, verify } from 'node:crypto';
import * as z from 'zod';
import { readBase64 } from '#platform';
import { base64url, fromBase64url, MAX_ENCODED } from '../encoding/Json.js';
import type { PaymentTokenKey, PaymentTokenKeys } from './PaymentTokenKeys.js';

/** Request header that tells a seller of a metered call. */
export const AGENTPAY_USAGE_TOKEN = 'AgentPay-Usage-Token';

const claimsSchema = z.object({
  iss: z.string().max(512),
  aud: z.string().max(64),
  sub: z.string().max(64),
  jti: z.string().max(64),
  agreement: z.string().max(64),
  iat: z.number().int().nonnegative(),
  exp: z.number().int().positive(),
});
const headerSchema = z.object({
  alg: z.literal('EdDSA'),
  typ: z.literal('agentpay-usage+jwt'),
  kid: z.string().min(1).max(64),
});

/** What a usage token says: `sub` uses agreement `agreement` of service `aud`; `jti` is the id of the usage, until `exp` (Unix seconds). */
export type UsageTokenClaims = z.infer<typeof claimsSchema>;

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
  const { data } = claimsSchema.safeParse(decoded(body));
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
