import { createPrivateKey, createPublicKey, KeyObject, sign } from 'node:crypto';
import { base64url, jcs } from '@agentpay/protocol';

/** The key by which a seller signs what it offers and what it was paid. */
export interface ReceiptKey {
  /** URL of the public key that holds the key itself (did:jwk), so that a signature can be checked without asking anybody. */
  readonly kid: string;
  readonly publicJwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly alg: 'EdDSA' };
  /** The payload in canonical JSON as a compact JWS (RFC 7515, EdDSA), of the type `typ`. */
  sign(payload: object, typ?: string): string;
}

/** The key that is written as PEM, or a key object of Node. @throws TypeError when it is no private Ed25519 key */
export function receiptKeyOf(given: string | KeyObject): ReceiptKey {
  const privateKey = privateKeyIn(given);
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' }) as { x: string };
  const publicJwk = { kty: 'OKP', crv: 'Ed25519', x, alg: 'EdDSA' } as const;
  const kid = `did:jwk:${base64url(JSON.stringify(publicJwk))}#0`;
  return {
    kid,
    publicJwk,
    sign(payload, typ) {
      const header = { alg: 'EdDSA', ...(typ !== undefined && { typ }), kid };
      const input = `${base64url(JSON.stringify(header))}.${base64url(jcs(payload))}`;
      return `${input}.${base64url(sign(null, Buffer.from(input), privateKey))}`;
    },
  };
}

function privateKeyIn(given: string | KeyObject): KeyObject {
  try {
    const key = given instanceof KeyObject ? given : createPrivateKey(given);
    if (key.type === 'private' && key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new TypeError('paywall(): option receiptKey must be a private Ed25519 key, as PEM or as a KeyObject.');
}
