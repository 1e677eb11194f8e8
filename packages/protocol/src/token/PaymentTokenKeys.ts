import { createPrivateKey, createPublicKey, hkdfSync, sign, verify, type KeyObject } from 'node:crypto';
import { AgentPayError } from '@agentpay/primitives';
import { base64url } from '../encoding/Json.js';
import { bytesToHex, keccak256 } from '../evm/Hex.js';
import {
  TOKEN_PREFIX,
  malformedToken,
  splitToken,
  tokenClaimsSchema,
  type PaymentTokenClaims,
} from './PaymentToken.js';

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
  return `${TOKEN_PREFIX}${input}.${base64url(sign(null, Buffer.from(input), key.privateKey))}`;
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
  const { input, kid, signature, payload } = splitToken(token);
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
  const claims = tokenClaimsSchema.safeParse(payload);
  if (!claims.success) throw malformedToken();
  if (options.audience !== undefined && claims.data.aud !== options.audience) {
    throw new AgentPayError('token_invalid', 'The payment token is for another service.', {
      reason: 'audience',
    });
  }
  if (claims.data.exp <= options.now)
    throw new AgentPayError('token_expired', 'The payment token has expired.');
  return claims.data;
}
