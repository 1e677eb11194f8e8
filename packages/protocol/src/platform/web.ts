import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 as hashSha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Alphabet, PublicJwk } from './node.js';

export type { Alphabet, PublicJwk } from './node.js';

export function bytesOfText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOfBytes(bytes: Uint8Array): string {
  // As Buffer does: a byte order mark is kept.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

export const writeHex = bytesToHex;

export function readHex(digits: string): Uint8Array {
  return hexToBytes(digits);
}

const PIECE = 8_192;

export function writeBase64(bytes: string | Uint8Array, alphabet: Alphabet): string {
  const all = typeof bytes === 'string' ? bytesOfText(bytes) : bytes;
  let binary = '';
  for (let at = 0; at < all.length; at += PIECE)
    binary += String.fromCharCode(...all.subarray(at, at + PIECE));
  const text = btoa(binary);
  return alphabet === 'base64' ? text : text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_');
}

export function readBase64(text: string, alphabet: Alphabet): Uint8Array {
  const plain = alphabet === 'base64' ? text : text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(plain.replace(/=+$/, '')), (char) => char.charCodeAt(0));
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return hashSha256(bytes);
}

export function isSameText(given: string, expected: string): boolean {
  const [a, b] = [bytesOfText(given), bytesOfText(expected)];
  let difference = a.length ^ b.length;
  for (const [i, byte] of a.entries()) difference |= byte ^ (b[i] ?? 0);
  return difference === 0;
}

export function verifyEd25519({ kty, crv, x }: PublicJwk, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') return false;
  return ed25519.verify(signature, bytes, readBase64(x, 'base64url'));
}
