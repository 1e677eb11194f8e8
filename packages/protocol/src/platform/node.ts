import { createPublicKey, hash, timingSafeEqual, verify } from 'node:crypto';

/** What every platform has under another name; `web.ts` has the same for browsers, workers and edge runtimes. */
export type Alphabet = 'base64' | 'base64url';

/** A public key as it is published (RFC 7517). */
export type PublicJwk = Readonly<Record<string, unknown>>;

export function bytesOfText(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

export function textOfBytes(bytes: Uint8Array): string {
  return view(bytes).toString('utf8');
}

/** Lower-case hexadecimal digits. */
export function writeHex(bytes: Uint8Array): string {
  return view(bytes).toString('hex');
}

export function readHex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

/** Base64 with padding, base64url without. */
export function writeBase64(bytes: string | Uint8Array, alphabet: Alphabet): string {
  return (typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : view(bytes)).toString(alphabet);
}

export function readBase64(text: string, alphabet: Alphabet): Uint8Array {
  return Buffer.from(text, alphabet);
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

/** Whether two texts are equal, in a time that tells nothing about where they differ. */
export function isSameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether the key, a public Ed25519 key as JWK (RFC 8037), has signed the bytes. Throws, or says no, for what is no such key. */
export function verifyEd25519(key: PublicJwk, bytes: Uint8Array, signature: Uint8Array): boolean {
  const publicKey = createPublicKey({ key: { ...key }, format: 'jwk' });
  return publicKey.asymmetricKeyType === 'ed25519' && verify(null, bytes, publicKey, signature);
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
