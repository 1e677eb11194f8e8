import type { Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { IdempotencyClaim, IdempotencyKey, StoredResponse } from './Claim.js';

export const keys = table<IdempotencyKey>('idempotency_keys', {
  partyId: 'text',
  endpoint: 'text',
  key: 'text',
  digest: 'text',
  claimId: 'text',
  state: 'text',
  claimedUntil: 'timestamptz',
  status: 'integer',
  body: 'text',
  createdAt: 'timestamptz',
  expiresAt: 'timestamptz',
});

/** Takes the key unless somebody has it: it is new, it has expired, or the same request was given up unfinished. */
export async function takeKey(db: Queryable, wanted: IdempotencyKey): Promise<boolean> {
  const rows = await db.query(
    `insert into idempotency_keys as kept
       (party_id, endpoint, key, digest, claim_id, state, claimed_until, created_at, expires_at)
     values ($1, $2, $3, $4, $5, 'in_progress', $6, $7, $8)
     on conflict (party_id, endpoint, key) do update
     set digest = excluded.digest, claim_id = excluded.claim_id, state = 'in_progress', claimed_until = excluded.claimed_until,
       status = null, body = null, created_at = excluded.created_at, expires_at = excluded.expires_at
     where kept.expires_at <= $7
       or (kept.state = 'in_progress' and kept.claimed_until <= $7 and kept.digest = excluded.digest)
     returning 1`,
    [
      wanted.partyId,
      wanted.endpoint,
      wanted.key,
      wanted.digest,
      wanted.claimId,
      wanted.claimedUntil,
      wanted.createdAt,
      wanted.expiresAt,
    ],
  );
  return rows.length === 1;
}

/** False when the claim was taken over meanwhile. */
export async function finishKey(
  db: Queryable,
  claim: IdempotencyClaim,
  response: StoredResponse,
): Promise<boolean> {
  const rows = await keys.update(
    db,
    { ...identityOf(claim), state: 'in_progress' },
    { state: 'done', ...response },
  );
  return rows.length === 1;
}

export async function dropUnfinished(db: Queryable, claim: IdempotencyClaim): Promise<void> {
  await db.query(
    `delete from idempotency_keys
     where party_id = $1 and endpoint = $2 and key = $3 and claim_id = $4 and state = 'in_progress'`,
    [claim.partyId, claim.endpoint, claim.key, claim.claimId],
  );
}

/** Deletes expired keys, oldest first, and says how many. */
export async function deleteExpired(db: Queryable, at: Date, limit: number): Promise<number> {
  const rows = await db.query(
    `delete from idempotency_keys where (party_id, endpoint, key) in (
       select party_id, endpoint, key from idempotency_keys where expires_at <= $1 order by expires_at limit $2
       for update skip locked
     ) returning 1`,
    [at, limit],
  );
  return rows.length;
}

function identityOf({ partyId, endpoint, key, claimId }: IdempotencyClaim): IdempotencyClaim {
  return { partyId, endpoint, key, claimId };
}
