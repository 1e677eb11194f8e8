import type { Core } from '../Core.js';
import type { BookedMovement } from '../ledger/index.js';
import type { DestinationType } from './Payout.js';

/** Payouts to destinations of a type that left or are under way, as the books have them; of what came back nothing has left. */
export function payoutEntries(
  core: Core,
  { type }: { type: DestinationType },
): Promise<(BookedMovement & { readonly at: Date })[]> {
  return core.db.query(
    `select id, case status when 'completed' then id || ':confirm' when 'returned' then id || ':return' end as "journalKey", reference,
       case status when 'returned' then 0 else amount end as amount, created_at as at
     from payouts where destination_type = $1 and status in ('processing', 'completed', 'returned') order by 1`,
    [type],
  );
}
