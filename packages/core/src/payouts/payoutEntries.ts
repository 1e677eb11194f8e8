import type { Core } from '../Core.js';
import type { BookedMovement } from '../ledger/index.js';
import type { DestinationType } from './Payout.js';

/** Payouts to destinations of a type that left or are under way, as the books have them. */
export function payoutEntries(
  core: Core,
  { type }: { type: DestinationType },
): Promise<(BookedMovement & { readonly at: Date })[]> {
  return core.db.query(
    `select id, case when status = 'processing' then null else id || ':confirm' end as "journalKey", reference, amount,
       created_at as at
     from payouts where destination_type = $1 and status in ('processing', 'completed') order by 1`,
    [type],
  );
}
