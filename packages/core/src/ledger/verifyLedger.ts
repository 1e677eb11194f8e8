import type { Amount, Queryable } from '@agentpay/primitives';

/** Something in the books that contradicts something else. */
export interface Difference {
  /**
   * - `journal_unbalanced`: the lines of journal `subject` do not sum to zero
   * - `balance_negative`: the owned account `subject` is below zero
   * - `balance_differs`: the balance row of `subject` is not the sum of its postings
   * - `holds_differ`: the open holds of wallet `subject` are not what its held account has
   * - `hold_reopened`: the hold `subject` is open although the books closed it
   * - `totals_differ`: the totals kept for the platform's account `subject` are not the sum of its postings
   */
  readonly check:
    | 'journal_unbalanced'
    | 'balance_negative'
    | 'balance_differs'
    | 'holds_differ'
    | 'hold_reopened'
    | 'totals_differ';
  readonly subject: string;
  readonly asset: string;
  readonly expected: Amount;
  readonly actual: Amount;
}

// One statement, so that all checks see the same moment.
const CHECKS = `
with summed as (
  select account, asset, sum(amount) as amount from ledger_postings group by account, asset
), owned as (
  select * from summed where account ~ '^(w|gw|ext|escrow):'
), platform as (
  select * from summed where account !~ '^(w|gw|ext|escrow):'
), totals as (
  select account, asset, sum(amount) as amount from ledger_totals group by account, asset
), open_holds as (
  select 'w:' || wallet_id || ':held' as account, wallet_id, asset, sum(amount) as amount
  from ledger_holds where state = 'open' group by wallet_id, asset
)
select 'journal_unbalanced' as "check", coalesce(journal.id, unbalanced.journal::text) as subject, asset, 0::numeric as expected,
       unbalanced.amount as actual
  from (select journal, asset, sum(amount) as amount from ledger_postings group by journal, asset having sum(amount) <> 0) as unbalanced
  left join ledger_journals as journal on journal.number = unbalanced.journal
union all
select 'balance_negative', account, asset, 0, amount from owned where amount < 0
union all
select 'balance_differs', coalesce(owned.account, cached.account), coalesce(owned.asset, cached.asset),
       coalesce(owned.amount, 0), coalesce(cached.amount, 0)
  from owned full join ledger_balances as cached on cached.account = owned.account and cached.asset = owned.asset
  where coalesce(owned.amount, 0) <> coalesce(cached.amount, 0)
union all
select 'holds_differ', split_part(coalesce(open_holds.account, h.account), ':', 2), coalesce(open_holds.asset, h.asset),
       coalesce(open_holds.amount, 0), coalesce(h.amount, 0)
  from open_holds full join (select * from owned where account like 'w:%:held') as h
    on h.account = open_holds.account and h.asset = open_holds.asset
  where coalesce(open_holds.amount, 0) <> coalesce(h.amount, 0)
union all
select 'hold_reopened', hold.id, hold.asset, 0, hold.amount
  from ledger_holds as hold join ledger_journals as closing on closing.key = hold.id || ':close' where hold.state = 'open'
union all
select 'totals_differ', coalesce(platform.account, totals.account), coalesce(platform.asset, totals.asset),
       coalesce(platform.amount, 0), coalesce(totals.amount, 0)
  from platform full join totals on totals.account = platform.account and totals.asset = platform.asset
  where coalesce(platform.amount, 0) <> coalesce(totals.amount, 0)
order by 1, 2, 3`;

/** Recomputes the books from their postings and gives everything that does not agree. An empty list: the books are right. */
export async function verifyLedger(db: Queryable): Promise<Difference[]> {
  const rows = await db.query<Omit<Difference, 'expected' | 'actual'> & { expected: string; actual: string }>(
    CHECKS,
  );
  return rows.map((row) => ({ ...row, expected: BigInt(row.expected), actual: BigInt(row.actual) }));
}
