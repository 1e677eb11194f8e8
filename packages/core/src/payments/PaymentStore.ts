import type { Queryable, SqlValue } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { newestFirst } from '../keyset.js';
import type { Counted, Page } from '../Page.js';
import { table } from '../table.js';
import type { RowPage } from '../table.js';
import type { Payment, PaymentStatus } from './Payment.js';

export const payments = table<Payment>('payments', {
  id: 'text',
  rail: 'text',
  payerId: 'text',
  payerWalletId: 'text',
  payeeId: 'text',
  payeeWalletId: 'text',
  payeeExternal: 'text',
  amount: 'bigint',
  fee: 'bigint',
  feeMode: 'text',
  currency: 'text',
  status: 'text',
  description: 'text',
  serviceId: 'text',
  holdId: 'text',
  idempotencyKey: 'text',
  reference: 'text',
  proof: 'jsonb',
  failure: 'text',
  refunded: 'bigint',
  refunding: 'bigint',
  nextAttemptAt: 'timestamptz',
  attempts: 'integer',
  createdAt: 'timestamptz',
  completedAt: 'timestamptz',
});

export const paymentRows = entity<Payment>({
  table: payments,
  key: ['id'],
  guard: ['status', 'refunded', 'refunding', 'attempts'],
  changes: [
    'status',
    'reference',
    'proof',
    'failure',
    'refunded',
    'refunding',
    'nextAttemptAt',
    'attempts',
    'completedAt',
  ],
  // Disputes rest on payments that they leave as they are.
  watched: true,
  rank: 21,
});

/** A payment by the key that its payer gave it: a new one, as a rule. */
export const paymentKeys = entity<Payment>({
  table: payments,
  key: ['payerId', 'idempotencyKey'],
  rank: 21,
  assumedAbsent: true,
});

export interface PaymentFilter {
  readonly status?: PaymentStatus | undefined;
  readonly rail?: string | undefined;
  readonly createdAfter?: Date | undefined;
  readonly createdBefore?: Date | undefined;
}

/** Payments that the party made or received, newest first. */
export function pageOwned(
  db: Queryable,
  partyId: string,
  filter: PaymentFilter,
  wanted: Page,
): Promise<{ rows: Payment[] } & Counted> {
  return payments.page(db, { ...condition(partyId, filter), order: newestFirst, ...wanted });
}

function condition(
  partyId: string,
  filter: PaymentFilter,
): Pick<RowPage<Payment>, 'where' | 'either'> & { params: SqlValue[] } {
  const params: SqlValue[] = [partyId];
  const terms = ['true'];
  if (filter.status !== undefined) terms.push(`status = $${params.push(filter.status)}`);
  if (filter.rail !== undefined) terms.push(`rail = $${params.push(filter.rail)}`);
  if (filter.createdAfter !== undefined) terms.push(`created_at > $${params.push(filter.createdAfter)}`);
  if (filter.createdBefore !== undefined) terms.push(`created_at < $${params.push(filter.createdBefore)}`);
  return { where: terms.join(' and '), either: ['payer_id = $1', 'payee_id = $1'], params };
}
