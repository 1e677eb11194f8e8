import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { newestFirst } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import { table } from '../table.js';
import type { Purchase } from './Purchase.js';

export const purchases = table<Purchase>('purchases', {
  id: 'text',
  partyId: 'text',
  holder: 'text',
  idempotencyKey: 'text',
  way: 'text',
  method: 'text',
  url: 'text',
  digest: 'text',
  sealedRequest: 'text',
  state: 'text',
  terms: 'jsonb',
  transactionId: 'text',
  holdId: 'text',
  approvalId: 'text',
  authorized: 'jsonb',
  sealedProof: 'text',
  validBefore: 'timestamptz',
  reference: 'text',
  claim: 'text',
  failure: 'text',
  sellerStatus: 'integer',
  contentType: 'text',
  response: 'bytea',
  attempts: 'integer',
  nextAttemptAt: 'timestamptz',
  createdAt: 'timestamptz',
  endedAt: 'timestamptz',
});

export const purchaseRows = entity<Purchase>({
  table: purchases,
  key: ['id'],
  guard: ['state', 'attempts'],
  changes: [
    'state',
    'terms',
    'transactionId',
    'holdId',
    'approvalId',
    'authorized',
    'sealedProof',
    'validBefore',
    'reference',
    'claim',
    'failure',
    'sellerStatus',
    'contentType',
    'response',
    'nextAttemptAt',
    'endedAt',
  ],
  rank: 15,
  keptMs: 0,
});

/** Takes a purchase on that nobody works on: undefined when somebody does. */
export async function take(
  db: Queryable,
  { id, now, until }: { id: string; now: Date; until: Date },
): Promise<Purchase | undefined> {
  const [taken] = await db.query<Purchase>(
    `update purchases set attempts = attempts + 1, next_attempt_at = $3
     where id = $1 and (next_attempt_at is null or next_attempt_at <= $2) returning ${purchases.columns}`,
    [id, now, until],
  );
  return taken;
}

/**
 * Takes the turn to use the next permit of a wallet; false while another purchase has it. It is over when that purchase is settled or
 * refused, and at its end at the latest.
 */
export async function takeTurn(
  db: Queryable,
  { walletId, purchaseId, now, endsAt }: { walletId: string; purchaseId: string; now: Date; endsAt: Date },
): Promise<boolean> {
  const rows = await db.query(
    `insert into purchase_turns as turn (wallet_id, purchase_id, ends_at) values ($1, $2, $4)
     on conflict (wallet_id) do update set purchase_id = excluded.purchase_id, ends_at = excluded.ends_at
     where turn.purchase_id = excluded.purchase_id or turn.ends_at <= $3 or exists (
       select 1 from purchases p
       where p.id = turn.purchase_id and p.state in ('refused', 'confirmed', 'released', 'rejected'))
     returning wallet_id`,
    [walletId, purchaseId, now, endsAt],
  );
  return rows.length > 0;
}

/** Leaves the turn to others: nothing was signed. */
export async function passTurn(
  db: Queryable,
  { walletId, purchaseId }: { walletId: string; purchaseId: string },
): Promise<void> {
  await db.query('delete from purchase_turns where wallet_id = $1 and purchase_id = $2', [
    walletId,
    purchaseId,
  ]);
}

/** Whether a purchase has this authorization already. */
export async function isNonceTaken(
  db: Queryable,
  { from, nonce }: { from: string; nonce: string },
): Promise<boolean> {
  const rows = await db.query(
    `select 1 from purchases where authorized is not null and authorized->>'from' = $1 and authorized->>'nonce' = $2`,
    [from, nonce],
  );
  return rows.length > 0;
}

/** What was paid or may be paid: purchases of a party, or of one of its holders, that got as far as a signature; newest first. */
export function pageOfSpent(
  db: Queryable,
  { partyId, holder, ...wanted }: { partyId: string; holder: string | null } & Page,
): Promise<{ rows: Purchase[] } & Counted> {
  return purchases.page(db, {
    where: `party_id = $1 and ($2::text is null or holder = $2)
      and state in ('signed', 'delivered', 'refused', 'unknown', 'confirmed')`,
    params: [partyId, holder],
    order: newestFirst,
    ...wanted,
  });
}

/** Makes purchases due whose approval is decided or can be no more, though nobody has taken them on; gives how many there were. */
export async function wakeDecided(
  db: Queryable,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  const rows = await db.query(
    `update purchases set next_attempt_at = $1
     where id in (
       select p.id from purchases p join approvals a on a.id = p.approval_id
       where p.state = 'quoted' and p.way = 'seller' and p.next_attempt_at is null and (a.status <> 'pending' or a.expires_at <= $1)
       limit $2
     ) and state = 'quoted' and next_attempt_at is null returning id`,
    [now, limit],
  );
  return rows.length;
}

/** Forgets requests, proofs and responses of purchases that ended before a time; gives how many there were. */
export async function forget(
  db: Queryable,
  { before, limit }: { before: Date; limit: number },
): Promise<number> {
  const rows = await db.query(
    `update purchases set sealed_request = null, sealed_proof = null, response = null
     where id in (
       select id from purchases
       where coalesce(ended_at, created_at) < $1 and next_attempt_at is null
         and (sealed_request is not null or sealed_proof is not null or response is not null)
         and state in ('requested', 'confirmed', 'released', 'rejected')
       limit $2 for update skip locked
     ) returning id`,
    [before, limit],
  );
  return rows.length;
}
