import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { newestFirst } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import { table } from '../table.js';
import type { Payout, PayoutStatus } from './Payout.js';

const payouts = table<Payout>('payouts', {
  id: 'text',
  ownerId: 'text',
  walletId: 'text',
  amount: 'bigint',
  currency: 'text',
  destinationType: 'text',
  destination: 'text',
  shown: 'jsonb',
  description: 'text',
  idempotencyKey: 'text',
  status: 'text',
  holdId: 'text',
  reference: 'text',
  account: 'text',
  failure: 'text',
  attempts: 'integer',
  nextAt: 'timestamptz',
  claimedUntil: 'timestamptz',
  estimatedArrival: 'timestamptz',
  createdAt: 'timestamptz',
  endedAt: 'timestamptz',
});

export const payoutRows = entity<Payout>({
  table: payouts,
  key: ['id'],
  guard: ['status', 'attempts'],
  changes: ['status', 'reference', 'account', 'failure', 'nextAt', 'claimedUntil', 'endedAt'],
  rank: 40,
});

/** A payout by the key that its owner gave it: a new one, as a rule. */
export const payoutKeys = entity<Payout>({
  table: payouts,
  key: ['ownerId', 'idempotencyKey'],
  rank: 40,
  assumedAbsent: true,
});

export function findPayout(db: Queryable, id: string): Promise<Payout | undefined> {
  return payouts.find(db, { id });
}

/** Payouts of a party, newest first. */
export async function selectPayouts(
  db: Queryable,
  { ownerId, status, ...wanted }: { ownerId: string; status: PayoutStatus | null } & Page,
): Promise<{ payouts: Payout[] } & Counted> {
  const { rows, ...counted } = await payouts.page(db, {
    where: 'owner_id = $1 and ($2::text is null or status = $2)',
    params: [ownerId, status],
    order: newestFirst,
    ...wanted,
  });
  return { payouts: rows, ...counted };
}

/** Claims payouts that are due for one attempt. @param until when somebody else may claim them again */
export function claimDue(
  db: Queryable,
  { now, until, limit }: { now: Date; until: Date; limit: number },
): Promise<Payout[]> {
  return db.query<Payout>(
    `update payouts set claimed_until = $2, attempts = attempts + 1
     where id in (
       select id from payouts
       where next_at <= $1 and (claimed_until is null or claimed_until <= $1)
       order by next_at limit $3 for update skip locked
     ) returning ${payouts.columns}`,
    [now, until, limit],
  );
}
