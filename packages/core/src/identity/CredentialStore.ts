import type { Queryable } from '@agentpay/primitives';
import type { Credential } from './Credential.js';

const COLUMNS = `id, hash, kind, principal_id as "principalId", scopes, expires_at as "expiresAt", revoked_at as "revokedAt",
  created_at as "createdAt"`;

export async function insertCredential(db: Queryable, credential: Credential): Promise<void> {
  await db.query(
    'insert into credentials (id, hash, kind, principal_id, scopes, expires_at, created_at) values ($1, $2, $3, $4, $5::text[], $6, $7)',
    [
      credential.id,
      credential.hash,
      credential.kind,
      credential.principalId,
      credential.scopes,
      credential.expiresAt,
      credential.createdAt,
    ],
  );
}

export async function findByHash(db: Queryable, hash: string): Promise<Credential | undefined> {
  const [credential] = await db.query<Credential>(`select ${COLUMNS} from credentials where hash = $1`, [
    hash,
  ]);
  return credential;
}

export async function revokeLive(db: Queryable, principalId: string, at: Date): Promise<void> {
  await db.query('update credentials set revoked_at = $2 where principal_id = $1 and revoked_at is null', [
    principalId,
    at,
  ]);
}
