import type { BookedMovement } from '../ledger/index.js';
import type { Core } from '../Core.js';

/** What left or came back by a rail, as the books have it: payments, and refunds that the rail itself made. */
export function railEntries(
  core: Core,
  { rail }: { rail: string },
): Promise<(BookedMovement & { readonly at: Date })[]> {
  return core.db.query(
    `select id, case when status in ('submitted', 'settling') then null else hold_id || ':close' end as "journalKey",
       reference, amount, created_at as at
     from payments
     where rail = $1 and payee_wallet_id is null and status in ('submitted', 'settling', 'completed', 'refunded')
     union all
     select refund.id, case when refund.status = 'pending' then null else refund.id end, refund.reference,
       case when to_external is null then -refund.amount else refund.amount end, refund.created_at
     from payment_refunds as refund join payments as payment on payment.id = payment_id
     where rail = $1 and (refund.status = 'pending' or (refund.status = 'completed' and refund.reference is not null))
     order by 1`,
    [rail],
  );
}
