import { AgentPayError } from '@agentpay/primitives';
import * as z from 'zod';
import { readBase64 } from '#platform';
import { MAX_ENCODED, base64url, fromBase64url } from '../encoding/Json.js';

/** Request header that carries a payment token; a JSON body may carry it as the member `payment_token` instead. */
export const X_PAYMENT_TOKEN = 'X-Payment-Token';
export const PAYMENT_TOKEN_FIELD = 'payment_token';
export const TOKEN_PREFIX = 'x402_tok_';

export const tokenClaimsSchema = z.object({
  iss: z.string().min(1).max(512),
  aud: z.string().min(1).max(64),
  sub: z.string().min(1).max(64),
  jti: z.string().min(1).max(64),
  amount: z.string().regex(/^[1-9]\d{0,17}$/),
  currency: z.string().regex(/^[A-Z0-9]{2,12}$/),
  iat: z.number().int().nonnegative(),
  exp: z.number().int().positive(),
});

/**
 * What a payment token says: wallet `sub` holds `amount` micro-units of `currency` for one call of service `aud`, until `exp`
 * (Unix seconds). `jti` is the token's id at the issuer `iss`.
 */
export type PaymentTokenClaims = z.infer<typeof tokenClaimsSchema>;

const headerSchema = z.object({
  alg: z.literal('EdDSA'),
  typ: z.literal('x402-token+jwt'),
  kid: z.string().min(1).max(64),
});
/** The key id a token names, before anything is verified. @throws AgentPayError `payment_malformed` */
export function paymentTokenKid(token: string): string {
  return splitToken(token).kid;
}

/** A token in its parts. @throws AgentPayError `payment_malformed` */
export function splitToken(token: string) {
  const parts =
    token.startsWith(TOKEN_PREFIX) && token.length <= MAX_ENCODED
      ? token.slice(TOKEN_PREFIX.length).split('.')
      : [];
  const [head, body, signature] = parts;
  if (parts.length !== 3 || !head || !body || !signature) throw malformedToken();
  const bytes = readBase64(signature, 'base64url');
  // The last character of 64 encoded bytes has bits to spare: only one way to write a signature counts.
  if (bytes.length !== 64 || base64url(bytes) !== signature) throw malformedToken();
  const header = headerSchema.safeParse(fromBase64url(head));
  if (!header.success) throw malformedToken();
  return { input: `${head}.${body}`, kid: header.data.kid, signature: bytes, payload: fromBase64url(body) };
}

export function malformedToken(): AgentPayError {
  return new AgentPayError('payment_malformed', 'The payment token is malformed.');
}
