import type { Queryable } from '@agentpay/primitives';
import type { Party } from '../parties/index.js';
import { table } from '../table.js';
import type { Credential } from './Credential.js';

export const credentials = table<Credential>('credentials', {
  id: 'text',
  hash: 'text',
  kind: 'text',
  partyId: 'text',
  scopes: 'text[]',
  expiresAt: 'timestamptz',
  revokedAt: 'timestamptz',
  createdAt: 'timestamptz',
});

/** The credential with this hash and the kind of its party, in one look-up: every request makes it. */
export async function findByHash(
  db: Queryable,
  hash: string,
): Promise<(Credential & { partyKind: Party['kind'] }) | undefined> {
  const [credential] = await db.query<Credential & { partyKind: Party['kind'] }>(
    `select ${credentials.columns}, (select kind from parties where id = party_id) as "partyKind" from credentials where hash = $1`,
    [hash],
  );
  return credential;
}

export async function revokeLive(db: Queryable, partyId: string, at: Date): Promise<void> {
  await credentials.update(db, { partyId, revokedAt: null }, { revokedAt: at });
}
