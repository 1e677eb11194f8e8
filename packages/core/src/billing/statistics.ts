import type { Amount, Queryable } from '@agentpay/primitives';

/** Ids of organizations with a subscription that goes on. */
export async function activeOrgs(db: Queryable): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select distinct customer_id as id from subscriptions
     where status <> 'canceled' and customer_id in (select id from parties where kind = 'org')`,
  );
  return rows.map(({ id }) => id);
}

/** What organizations paid for invoices from their own balance since a moment. */
export async function paidByOrgs(db: Queryable, { since }: { since: Date }): Promise<Amount> {
  const [row] = await db.query<{ sum: string }>(
    `select coalesce(sum(amount), 0)::text as sum from invoices
     where paid_from = 'balance' and ended_at >= $1 and customer_id in (select id from parties where kind = 'org')`,
    [since],
  );
  return BigInt(row?.sum ?? 0);
}
