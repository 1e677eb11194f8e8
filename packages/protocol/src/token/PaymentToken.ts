import { createPrivateKey, createPublicKey, hkdfSync, sign, verify, type KeyObject } from 'node:crypto';
import { AgentPayError } from '@agentpay/primitives';
import { z } from 'zod';
import { MAX_ENCODED, base64url, fromBase64url } from '../encoding/Json.js';
import { keccak256, bytesToHex } from '../evm/Hex.js';

/** Request header that carries a payment token; a JSON body may carry it as the member `payment_token` instead. */
export const X_PAYMENT_TOKEN = 'X-Payment-Token';
export const PAYMENT_TOKEN_FIELD = 'payment_token';
const PREFIX = 'x402_tok_';

const claimsSchema = z.object({
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
export type PaymentTokenClaims = z.infer<typeof claimsSchema>;

/** An Ed25519 key that signs payment tokens. */
export interface PaymentTokenKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: PaymentTokenJwk;
}

/** The public half as published in the issuer's key set (RFC 8037). */
export interface PaymentTokenJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'EdDSA';
}

/** Finds a public key by its id; undefined when the issuer has no such key. */
export type PaymentTokenKeys = (kid: string) => KeyObject | undefined;

const headerSchema = z.object({
  alg: z.literal('EdDSA'),
  typ: z.literal('x402-token+jwt'),
  kid: z.string().min(1).max(64),
});
// DER of a PKCS #8 Ed25519 private key, without its last 32 bytes: the seed.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The signing key that a secret of at least 32 characters stands for. The same secret gives the same key on every node. */
export function paymentTokenKey(secret: string): PaymentTokenKey {
  if (secret.length < 32) throw new RangeError('The token secret needs at least 32 characters.');
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'agentpay payment token v1', 32));
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' }) as { x: string };
  const kid = bytesToHex(keccak256(x)).slice(2, 18);
  return { kid, privateKey, publicJwk: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' } };
}

/** A lookup over a published key set. Entries of other kinds and unreadable ones are passed over. */
export function paymentTokenKeys(
  jwks: readonly Partial<Record<'kid' | 'kty' | 'crv' | 'x', string>>[],
): PaymentTokenKeys {
  const keys = new Map<string, KeyObject>();
  for (const { kid, kty, crv, x } of jwks) {
    if (kty !== 'OKP' || crv !== 'Ed25519' || !kid || !x || !/^[A-Za-z0-9_-]{43}$/.test(x)) continue;
    keys.set(kid, createPublicKey({ key: { kty, crv, x }, format: 'jwk' }));
  }
  return (kid) => keys.get(kid);
}

/** Signs a token: `x402_tok_` and a compact JWS (RFC 7515, EdDSA). */
export function signPaymentToken(claims: PaymentTokenClaims, key: PaymentTokenKey): string {
  const header = base64url(JSON.stringify({ alg: 'EdDSA', typ: 'x402-token+jwt', kid: key.kid }));
  const input = `${header}.${base64url(JSON.stringify(claims))}`;
  return `${PREFIX}${input}.${base64url(sign(null, Buffer.from(input), key.privateKey))}`;
}

/**
 * Checks a token's signature, audience and expiry, and gives its claims. Says nothing about whether it was redeemed: only the issuer
 * knows.
 * @param options.now Unix seconds
 * @throws AgentPayError `payment_malformed` when it is no token at all, `token_invalid` (reason `unknown_key`, `signature`, `audience`),
 *   `token_expired`
 */
export function verifyPaymentToken(
  token: string,
  keys: PaymentTokenKeys,
  options: { now: number; audience?: string },
): PaymentTokenClaims {
  const { input, kid, signature, payload } = split(token);
  const key = keys(kid);
  if (!key)
    throw new AgentPayError('token_invalid', 'The payment token is signed by an unknown key.', {
      reason: 'unknown_key',
    });
  if (!verify(null, Buffer.from(input), key, signature)) {
    throw new AgentPayError('token_invalid', 'The signature of the payment token is wrong.', {
      reason: 'signature',
    });
  }
  const claims = claimsSchema.safeParse(payload);
  if (!claims.success) throw malformed();
  if (options.audience !== undefined && claims.data.aud !== options.audience) {
    throw new AgentPayError('token_invalid', 'The payment token is for another service.', {
      reason: 'audience',
    });
  }
  if (claims.data.exp <= options.now)
    throw new AgentPayError('token_expired', 'The payment token has expired.');
  return claims.data;
}

/** The key id a token names, before anything is verified. @throws AgentPayError `payment_malformed` */
export function paymentTokenKid(token: string): string {
  return split(token).kid;
}

function split(token: string) {
  const parts =
    token.startsWith(PREFIX) && token.length <= MAX_ENCODED ? token.slice(PREFIX.length).split('.') : [];
  const [head, body, signature] = parts;
  if (parts.length !== 3 || !head || !body || !signature) throw malformed();
  const bytes = Buffer.from(signature, 'base64url');
  // The last character of 64 encoded bytes has bits to spare: only one way to write a signature counts.
  if (bytes.length !== 64 || base64url(bytes) !== signature) throw malformed();
  const header = headerSchema.safeParse(fromBase64url(head));
  if (!header.success) throw malformed();
  return { input: `${head}.${body}`, kid: header.data.kid, signature: bytes, payload: fromBase64url(body) };
}

function malformed(): AgentPayError {
  return new AgentPayError('payment_malformed', 'The payment token is malformed.');
}
