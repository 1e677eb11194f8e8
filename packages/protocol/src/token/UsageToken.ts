import { sign } from 'node:crypto';
import { base64url } from '../encoding/Json.js';
import type { PaymentTokenKey } from './PaymentTokenKeys.js';

/** What a usage token says: `sub` uses agreement `agreement` of service `aud`; `jti` is the id of the usage, until `exp` (Unix seconds). */
export interface UsageTokenClaims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly jti: string;
  readonly agreement: string;
  readonly iat: number;
  readonly exp: number;
}

/** Signs what a seller is told of a metered call: a compact JWS (RFC 7515, EdDSA) by the key of payment tokens, of another type. */
export function signUsageToken(claims: UsageTokenClaims, key: PaymentTokenKey): string {
  const header = base64url(JSON.stringify({ alg: 'EdDSA', typ: 'agentpay-usage+jwt', kid: key.kid }));
  const input = `${header}.${base64url(JSON.stringify(claims))}`;
  return `${input}.${base64url(sign(null, Buffer.from(input), key.privateKey))}`;
}
