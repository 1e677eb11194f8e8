import { createPrivateKey, createPublicKey, KeyObject, sign } from 'node:crypto';
import { base64url, jcs } from '@agentpay/protocol';

/** A key as its owner writes it: as PEM, or as a key object of Node. */
export type GivenKey = string | KeyObject;

/** A public key that verifies signatures. */
export interface PublishedKey {
  /** URL of the public key that holds the key itself (did:jwk), so that a signature can be checked without asking anybody. */
  readonly kid: string;
  readonly publicJwk: {
    readonly kty: 'OKP';
    readonly crv: 'Ed25519';
    readonly x: string;
    readonly alg: 'EdDSA';
  };
}

/** The key by which a seller signs what it offers and what it was paid. */
export interface ReceiptKey extends PublishedKey {
  /** Keys of before rotation, still published so that what they signed can be verified. */
  readonly former: readonly PublishedKey[];
  /** The payload in canonical JSON as a compact JWS (RFC 7515, EdDSA), of the type `typ`. */
  sign(payload: object, typ?: string): string;
}

/** The key, or the first of several. @throws TypeError when that is no private Ed25519 key, or another one is no Ed25519 key */
export function receiptKeyOf(given: GivenKey | readonly GivenKey[]): ReceiptKey {
  const [first, ...former] = Array.isArray(given) ? (given as readonly GivenKey[]) : [given as GivenKey];
  const privateKey = privateKeyIn(first);
  const { kid, publicJwk } = publishedKey(createPublicKey(privateKey));
  return {
    kid,
    publicJwk,
    former: former.map((key) => publishedKey(publicKeyIn(key))),
    sign(payload, typ) {
      const header = { alg: 'EdDSA', ...(typ !== undefined && { typ }), kid };
      const input = `${base64url(JSON.stringify(header))}.${base64url(jcs(payload))}`;
      return `${input}.${base64url(sign(null, Buffer.from(input), privateKey))}`;
    },
  };
}

function publishedKey(key: KeyObject): PublishedKey {
  const { x } = key.export({ format: 'jwk' }) as { x: string };
  const publicJwk = { kty: 'OKP', crv: 'Ed25519', x, alg: 'EdDSA' } as const;
  return { kid: `did:jwk:${base64url(JSON.stringify(publicJwk))}#0`, publicJwk };
}

function privateKeyIn(given: GivenKey | undefined): KeyObject {
  try {
    const key = given instanceof KeyObject ? given : createPrivateKey(given as string);
    if (key.type === 'private' && key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new TypeError(
    'paywall(): option receiptKey must be a private Ed25519 key, as PEM or as a KeyObject.',
  );
}

function publicKeyIn(given: GivenKey): KeyObject {
  try {
    const key = given instanceof KeyObject && given.type === 'public' ? given : createPublicKey(given);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new TypeError(
    'paywall(): option receiptKey must list Ed25519 keys, as PEM or as KeyObjects; former ones may be public.',
  );
}
