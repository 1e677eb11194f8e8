import { ledger } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';

// What tokens, holds, journals and payments say of each other. One statement, so that all checks see the same moment.
const CONTRADICTIONS = `
select 'a token without its hold, or a hold in another state' as fault, coalesce(token.id, hold.id) as subject
  from payment_tokens as token full join (select * from ledger_holds where purpose = 'token') as hold on hold.id = token.hold_id
  where (token.amount, case when token.deadline is not null then 'open'
      when token.state in ('settled', 'refunded') then 'captured' else 'released' end)
    is distinct from (hold.amount, hold.state)
union all
select 'a hold not booked once when opened and once when closed', hold.id
  from ledger_holds as hold left join ledger_journals as journal on split_part(journal.key, ':', 1) = hold.id
  group by hold.id having count(journal.id) <> case hold.state when 'open' then 1 else 2 end
union all
select 'a settled token without its payment, or a payment without its token', coalesce(token.id, payment.id)
  from (select * from payment_tokens where state in ('settled', 'refunded')) as token full join
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
    union all select hold_id, id from payouts where status = 'pending'
  ) as keeper on keeper.hold_id = hold.id
  where (keeper.id is null and hold.purpose in ('token', 'payment', 'payout')) or hold.id is null
union all
select 'a payout that the books have otherwise than its state', payout.id
  from payouts as payout left join lateral (
    select coalesce(sum(posting.amount) filter (where posting.account = 'payout:clearing'), 0) as clearing,
      coalesce(sum(posting.amount) filter (where posting.account like 'w:%:avail'), 0) as avail,
      coalesce(sum(posting.amount) filter (where posting.account = payout.account), 0) as gone
    from ledger_journals as journal join ledger_postings as posting on posting.journal = journal.number
    where split_part(journal.key, ':', 1) in (payout.hold_id, payout.id)
  ) as booked on true
  where (booked.clearing, -booked.avail, booked.gone) is distinct from (
    case when payout.status = 'processing' then payout.amount else 0 end,
    case when payout.status in ('failed', 'canceled', 'returned') then 0 else payout.amount end,
    case when payout.status = 'completed' then payout.amount else 0 end)
union all
select 'a claim that the books have otherwise than its refund', refund.id
  from payment_refunds as refund left join lateral (
    select coalesce(-sum(posting.amount), 0) as owed
    from ledger_journals as journal join ledger_postings as posting on posting.journal = journal.number
    where posting.account = 'exp:refunds' and split_part(journal.key, ':', 1) = refund.id
  ) as booked on true
  where booked.owed <> refund.claimed - refund.collected
union all
select 'money on its way that belongs to no payout', account.asset
  from (select asset, sum(amount) as amount from ledger_postings where account = 'payout:clearing' group by 1) as account
  where amount <> coalesce((select sum(amount) from payouts where status = 'processing' and currency = account.asset), 0)`;

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
