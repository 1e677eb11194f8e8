import type { Queryable } from '@agentpay/primitives';
import type { Party } from '../parties/index.js';
import { lookUp } from '../lookUp.js';
import { table } from '../table.js';
import type { Credential } from './Credential.js';

export const credentials = table<Credential>('credentials', {
  id: 'text',
  hash: 'text',
  kind: 'text',
  partyId: 'text',
  scopes: 'text[]',
  rotation: 'text',
  expiresAt: 'timestamptz',
  revokedAt: 'timestamptz',
  createdAt: 'timestamptz',
});

/** The credential with a hash and the kind of its party: every request makes this look-up. */
export const findByHash = lookUp<Credential & { partyKind: Party['kind'] }>(
  (db, hashes) =>
    db.query(
      `select ${credentials.columns}, (select kind from parties where id = party_id) as "partyKind"
       from credentials where hash in (select * from unnest($1::text[]))`,
      [hashes],
    ),
  ({ hash }) => hash,
);

/** Has the keys of a party end at that moment, those that end sooner excepted; of one kind, or of all. */
export async function endBy(
  db: Queryable,
  { partyId, kind, at }: { partyId: string; kind: string | null; at: Date },
): Promise<void> {
  await db.query(
    `update credentials set expires_at = $3
     where party_id = $1 and ($2::text is null or kind = $2) and revoked_at is null
       and (expires_at is null or expires_at > $3)`,
    [partyId, kind, at],
  );
}

/** Credentials of a party that were not revoked, oldest first. */
export function selectKept(db: Queryable, partyId: string, kind: string): Promise<Credential[]> {
  return credentials.select(
    db,
    'where party_id = $1 and kind = $2 and revoked_at is null order by created_at, id',
    [partyId, kind],
  );
}

/** Most that are deleted at once. */
const MAX_DELETED = 10_000;

export async function deleteEnded(db: Queryable, kind: string, before: Date): Promise<number> {
  const rows = await db.query(
    `delete from credentials where id in (
       select id from credentials where kind = $1 and least(revoked_at, expires_at) < $2 limit ${MAX_DELETED}
     ) returning 1`,
    [kind, before],
  );
  return rows.length;
}

/** Ends the live keys of a party of these kinds that no use has confirmed yet. */
export async function revokeUnused(
  db: Queryable,
  partyId: string,
  kinds: readonly string[],
  at: Date,
): Promise<void> {
  await db.query(
    `update credentials set revoked_at = $3
     where party_id = $1 and kind = any($2::text[]) and revoked_at is null and rotation is not null`,
    [partyId, kinds, at],
  );
}

/** Ends the keys that a rotation replaces: those of its kinds that it did not make. */
export async function settleRotation(
  db: Queryable,
  partyId: string,
  rotation: string,
  at: Date,
): Promise<void> {
  await db.query(
    `update credentials set revoked_at = $3
     where party_id = $1 and revoked_at is null and rotation is distinct from $2
       and kind in (select kind from credentials where party_id = $1 and rotation = $2)`,
    [partyId, rotation, at],
  );
  await credentials.update(db, { partyId, rotation }, { rotation: null });
}
