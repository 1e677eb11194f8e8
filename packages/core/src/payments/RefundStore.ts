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
  claimed: 'bigint',
  collected: 'bigint',
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
  guard: ['status', 'attempts', 'collected'],
  changes: ['status', 'claimed', 'collected', 'reference', 'proof', 'failure', 'nextAttemptAt', 'attempts'],
  rank: 25,
});

/** Refunds of a payment, oldest first. */
export function selectRefunds(db: Queryable, paymentId: string): Promise<Refund[]> {
  return refunds.select(db, 'where payment_id = $1 order by created_at, id', [paymentId]);
}
