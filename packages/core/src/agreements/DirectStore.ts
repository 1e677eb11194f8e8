import { AgentPayError } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { table } from '../table.js';
import type { DirectPurchase } from './DirectPurchase.js';

export const directPurchases = table<DirectPurchase>('direct_purchases', {
  id: 'text',
  network: 'text',
  payer: 'text',
  payee: 'text',
  amount: 'bigint',
  fee: 'bigint',
  payment: 'jsonb',
  paymentNonce: 'text',
  permit: 'jsonb',
  feeHash: 'text',
  paymentHash: 'text',
  returnHash: 'text',
  returnSince: 'timestamptz',
  attempts: 'integer',
  nextAt: 'timestamptz',
  claimedUntil: 'timestamptz',
});

export const directRows = entity<DirectPurchase>({
  table: directPurchases,
  key: ['id'],
  guard: ['attempts'],
  changes: ['feeHash', 'paymentHash', 'returnHash', 'returnSince', 'nextAt', 'claimedUntil'],
  rank: 34,
  keptMs: 0,
});

/**
 * Claims purchases that have something to do, each for one attempt; of one payer those whose fee is due one after another, since permits
 * are used in order. @param until when somebody else may claim them again
 */
export function claimDirect(
  db: Queryable,
  { now, until, limit }: { now: Date; until: Date; limit: number },
): Promise<DirectPurchase[]> {
  return db.query<DirectPurchase>(
    `update direct_purchases set claimed_until = $2, attempts = attempts + 1
     where id in (
       select d.id from agreements a join direct_purchases d using (id)
       where a.status in ('collecting_fee', 'executing_payment', 'returning_fee')
         and (d.next_at is null or d.next_at <= $1) and (d.claimed_until is null or d.claimed_until <= $1)
         and (a.status <> 'collecting_fee' or not exists (
           select 1 from agreements b join direct_purchases e using (id)
           where b.status = 'collecting_fee' and e.network = d.network and e.payer = d.payer
             and (b.accepted_at, b.id) < (a.accepted_at, a.id)))
       order by a.accepted_at limit $3 for update of d skip locked
     ) returning ${directPurchases.columns}`,
    [now, until, limit],
  );
}

/** @throws AgentPayError `payment_already_used` */
export async function insertDirect(db: Queryable, purchase: DirectPurchase): Promise<void> {
  if (await directPurchases.insertNew(db, purchase)) return;
  throw new AgentPayError('payment_already_used', 'Another purchase has this payment.', {
    param: 'paymentHeader',
  });
}
