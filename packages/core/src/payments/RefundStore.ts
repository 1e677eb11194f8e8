import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { table } from '../table.js';
import type { Refund } from './PaymentRefund.js';

const refunds = table<Refund>('payment_refunds', {
  id: 'text',
  paymentId: 'text',
  amount: 'bigint',
  reason: 'text',
  status: 'text',
  toExternal: 'text',
  short: 'boolean',
  reference: 'text',
  proof: 'jsonb',
  failure: 'text',
  nextAttemptAt: 'timestamptz',
  attempts: 'integer',
  createdAt: 'timestamptz',
});

export const refundRows = entity<Refund>({
  table: refunds,
  key: ['id'],
  guard: ['status', 'attempts'],
  changes: ['status', 'reference', 'proof', 'failure', 'nextAttemptAt', 'attempts'],
  rank: 25,
});

/**
 * Claims refunds whose rail is to be asked, each for one attempt.
 * @param until when somebody else may ask, should nothing be written down until then
 */
export function claimDueRefunds(
  db: Queryable,
  { now, until, limit }: { now: Date; until: Date; limit: number },
): Promise<Refund[]> {
  return db.query<Refund>(
    `update payment_refunds set next_attempt_at = $2, attempts = attempts + 1
     where id in (
       select id from payment_refunds where next_attempt_at <= $1 order by next_attempt_at limit $3
       for update skip locked
     ) returning ${refunds.columns}`,
    [now, until, limit],
  );
}

/** Refunds of a payment, oldest first. */
export function selectRefunds(db: Queryable, paymentId: string): Promise<Refund[]> {
  return refunds.select(db, 'where payment_id = $1 order by created_at, id', [paymentId]);
}
