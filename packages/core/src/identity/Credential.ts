import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from '@agentpay/primitives';

/** Kinds of key that are kept as rows, with the prefix that marks them. */
export const keyPrefixes = { runtime: 'pk_test_', secret: 'sk_test_' } as const;

export type KeyKind = keyof typeof keyPrefixes;

/** What a presented secret may claim to be. The admin key is a setting, not a row. */
export type CredentialKind = KeyKind | 'admin';

/** A key as kept: its hash, never itself. */
export interface Credential {
  readonly id: string;
  readonly hash: string;
  readonly kind: KeyKind;
  readonly principalId: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly createdAt: Date;
}

const KEY_BYTES = 24;
const MAX_SECRET = 256;

/** A new key in clear: its prefix and 192 random bits. */
export function newKey(kind: KeyKind, random: Random): string {
  return keyPrefixes[kind] + Buffer.from(random.bytes(KEY_BYTES)).toString('hex');
}

/** The form in which a key is kept and found: HMAC-SHA256 under the server's pepper, hex. */
export function hashSecret(secret: string, pepper: string): string {
  return createHmac('sha256', pepper).update(secret).digest('hex');
}

/** Compares in a time that does not depend on where the two differ. */
export function sameSecret(a: string, b: string, pepper: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(a, pepper)), Buffer.from(hashSecret(b, pepper)));
}

/** Whether the text can be a key at all; anything else is refused before it costs a query. */
export function looksLikeKey(secret: string, kinds: readonly KeyKind[]): boolean {
  return secret.length <= MAX_SECRET && kinds.some((kind) => secret.startsWith(keyPrefixes[kind]));
}

/** Whether the key works at that moment. */
export function isLive(credential: Credential, nowMs: number): boolean {
  return (
    credential.revokedAt === null && (credential.expiresAt === null || nowMs < credential.expiresAt.getTime())
  );
}
