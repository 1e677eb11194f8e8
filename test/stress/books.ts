import { ledger } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';

// What tokens, holds, journals and payments say of each other. One statement, so that all checks see the same moment.
const CONTRADICTIONS = `
select 'a token without its hold, or a hold in another state' as fault, coalesce(token.id, hold.id) as subject
  from payment_tokens as token full join (select * from ledger_holds where purpose = 'token') as hold on hold.id = token.hold_id
  where (token.amount, case when token.deadline is not null then 'open' when token.state = 'settled' then 'captured' else 'released' end)
    is distinct from (hold.amount, hold.state)
union all
select 'a hold not booked once when opened and once when closed', hold.id
  from ledger_holds as hold left join ledger_journals as journal on split_part(journal.key, ':', 1) = hold.id
  group by hold.id having count(journal.id) <> case hold.state when 'open' then 1 else 2 end
union all
select 'a settled token without its payment, or a payment without its token', coalesce(token.id, payment.id)
  from (select * from payment_tokens where state = 'settled') as token full join
    (select * from payments where rail = 'x402') as payment on payment.id = token.payment_id
  where token.amount is distinct from payment.amount
union all
select 'a payment of the books without its journal, or a journal without its payment', coalesce(payment.id, journal.id)
  from (select * from payments where rail = 'internal') as payment full join
    (select * from ledger_journals where kind = 'payment') as journal on journal.key = payment.id || ':complete'
  where payment.id is null or journal.id is null
union all
select 'an open hold that nothing will end, or something under way without its hold', coalesce(hold.id, keeper.id)
  from (select * from ledger_holds where state = 'open') as hold full join (
    select hold_id, id from payment_tokens where deadline is not null
    union all select hold_id, id from payments where hold_id is not null and status in ('authorized', 'submitted', 'settling')
    union all select hold_id, id from payouts where status in ('pending', 'processing')
  ) as keeper on keeper.hold_id = hold.id
  where (keeper.id is null and hold.purpose in ('token', 'payment', 'payout')) or hold.id is null`;

/** Everything in a database that cannot be true at once; empty when its books are right. */
export async function contradictions(db: Db): Promise<unknown[]> {
  return [...(await ledger.verifyLedger(db)), ...(await db.query(CONTRADICTIONS))];
}

/** What the database knows of a token. */
export interface KeptToken {
  readonly id: string;
  readonly state: string;
  readonly paymentId: string | null;
}

/** All tokens of a database by their id. */
export async function keptTokens(db: Db): Promise<Map<string, KeptToken>> {
  const tokens = await db.query<KeptToken>('select id, state, payment_id as "paymentId" from payment_tokens');
  return new Map(tokens.map((token) => [token.id, token]));
}
