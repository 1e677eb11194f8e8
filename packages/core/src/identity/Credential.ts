import { timingSafeEqual } from 'node:crypto';
import type { Random } from '@agentpay/primitives';
import { keyedHash } from '../keyedHash.js';
import type { PartyKind } from '../parties/index.js';

/** Kinds of credential that are kept as rows: the prefix that marks a secret of that kind and the parties that may have one. */
export const credentialKinds = {
  /** Bearer key of an agent. */
  runtime: { prefix: 'pk_test_', parties: ['agent'] },
  /** Signing secret of an agent; works as a Bearer key too. */
  secret: { prefix: 'sk_test_', parties: ['agent'] },
  /** X-Api-Key of a dashboard user. */
  apiKey: { prefix: 'ap_', parties: ['user'] },
  /** X-Agent-Key. */
  agentKey: { prefix: 'ak_live_', parties: ['agent'] },
  gateway: { prefix: 'gw_live_', parties: ['gateway'] },
  developer: { prefix: 'dev_live_', parties: ['developer'] },
  /** Cookie of a browser. */
  session: { prefix: 'ses_', parties: ['user'] },
} as const satisfies Record<string, { prefix: string; parties: readonly PartyKind[] }>;

export type StoredCredentialKind = keyof typeof credentialKinds;

/** What a presented secret may be. The keys of the operator and of the operator of the public demo are settings, not rows. */
export type CredentialKind = StoredCredentialKind | 'admin' | 'demoAdmin';

/** A credential as kept: its hash, never itself. */
export interface Credential {
  readonly id: string;
  readonly hash: string;
  readonly kind: StoredCredentialKind;
  readonly partyId: string;
  readonly scopes: readonly string[];
  /** Names the rotation that made it, until one of its keys is used: then the keys that it replaces end. */
  readonly rotation: string | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly createdAt: Date;
}

const KEY_BYTES = 24;
const MAX_SECRET = 256;

/** A new secret in clear: its prefix and 192 random bits. */
export function newSecret(kind: StoredCredentialKind, random: Random): string {
  return credentialKinds[kind].prefix + Buffer.from(random.bytes(KEY_BYTES)).toString('hex');
}

/** The form in which a secret is kept and found: HMAC-SHA256 under the server's pepper, hex. */
export function hashSecret(secret: string, pepper: string): string {
  return keyedHash(pepper, secret, 'hex');
}

/** Compares in a time that does not depend on where the two differ. */
export function sameSecret(a: string, b: string, pepper: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(a, pepper)), Buffer.from(hashSecret(b, pepper)));
}

/** The kind whose prefix the secret has; undefined for anything that cannot be a stored secret, which then costs no query. */
export function kindOf(secret: string): StoredCredentialKind | undefined {
  if (secret.length > MAX_SECRET) return undefined;
  const kinds = Object.keys(credentialKinds) as StoredCredentialKind[];
  return kinds.find((kind) => secret.startsWith(credentialKinds[kind].prefix));
}

/** Whether the credential works at that moment. */
export function isLive(credential: Pick<Credential, 'revokedAt' | 'expiresAt'>, nowMs: number): boolean {
  return (
    credential.revokedAt === null && (credential.expiresAt === null || nowMs < credential.expiresAt.getTime())
  );
}
