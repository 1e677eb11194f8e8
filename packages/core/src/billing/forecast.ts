import type { Amount, Queryable } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { DAY_MS } from '../calendar.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import type { JobReport } from '../Job.js';
import { orgIdsOf, rolesFor } from '../orgs/index.js';
import { spendingOf, spendingOfKinds } from '../policies/index.js';
import { table } from '../table.js';
import { invoices, subscriptions } from './BillingStore.js';
import { monthlyPeriod } from './proration.js';
import type { Subscription } from './Subscription.js';
import { priceOf } from './subscriptions.js';

export const HORIZON_DAYS = 30;

/** What a party had spent in all at a moment: one a day, for as long as a forecast looks back. */
interface SpendingMark {
  readonly partyId: string;
  readonly at: Date;
  readonly total: Amount;
}

const marks = table<SpendingMark>('spending_marks', { partyId: 'text', at: 'timestamptz', total: 'bigint' });

/** What is expected to be spent in the next 30 days. */
export interface Forecast {
  readonly total: Amount;
  /** Metered usage: as in the last 30 days. */
  readonly metered: Amount;
  /** Months of subscriptions that begin in that time. */
  readonly subscriptions: Amount;
}

/**
 * Foretells what the calling developer and the organizations that they pay for will spend in 30 days. Usage: what was spent since the mark
 * that is 30 days old (since the first spending, but at least a day, where there is none so old), without invoices paid from the balance,
 * scaled to 30 days. Subscriptions: every month that begins within them, with the seats that it will have.
 */
export async function forecast(core: Core, { principal }: { principal: Principal }): Promise<Forecast> {
  const ownerId = requireParty(principal, 'developer');
  const partyIds = [ownerId, ...(await orgIdsOf(core.db, ownerId, rolesFor('spend')))];
  const nowMs = core.clock.now();
  let metered = 0n;
  for (const spending of await spendingOf(core.db, { partyIds, atMs: nowMs })) {
    const from = (await markBefore(core.db, spending.partyId, nowMs)) ?? { at: spending.since, total: 0n };
    const invoiced = await paidFromBalance(core.db, spending.partyId, from.at);
    metered += scaled(spending.totalSpent - from.total - invoiced, nowMs - from.at.getTime());
  }
  const renewals = await renewing(core.db, partyIds, nowMs);
  return { metered, subscriptions: renewals, total: metered + renewals };
}

/** What was spent in a time, scaled to 30 days and rounded half up; a time shorter than a day counts as one. */
export function scaled(spent: Amount, elapsedMs: number): Amount {
  const elapsed = BigInt(Math.max(elapsedMs, DAY_MS));
  return spent <= 0n ? 0n : (2n * spent * BigInt(HORIZON_DAYS * DAY_MS) + elapsed) / (2n * elapsed);
}

/** Notes what developers, organizations and gateways have spent in all, once a day (UTC), and forgets what no forecast looks at. */
export async function markSpending(core: Core): Promise<JobReport> {
  const at = new Date(core.clock.now());
  const spending = await spendingOfKinds(core.db, {
    kinds: ['developer', 'org', 'gateway'],
    atMs: at.getTime(),
  });
  const marked = await core.db.tx(async (tx) => {
    const today = await marks.select(tx, 'where at >= $1', [
      new Date(at.getTime() - (at.getTime() % DAY_MS)),
    ]);
    const noted = new Set(today.map(({ partyId }) => partyId));
    const missing = spending.filter(({ partyId }) => !noted.has(partyId));
    await marks.insertAllNew(
      tx,
      missing.map(({ partyId, totalSpent }) => ({ partyId, at, total: totalSpent })),
    );
    const forgotten = new Date(at.getTime() - 2 * HORIZON_DAYS * DAY_MS);
    await tx.query('delete from spending_marks where at < $1', [forgotten]);
    return missing.length;
  });
  return { done: { marked }, failures: [] };
}

async function markBefore(db: Queryable, partyId: string, nowMs: number): Promise<SpendingMark | undefined> {
  const [mark] = await marks.select(db, 'where party_id = $1 and at <= $2 order by at desc limit 1', [
    partyId,
    new Date(nowMs - HORIZON_DAYS * DAY_MS),
  ]);
  return mark;
}

async function paidFromBalance(db: Queryable, customerId: string, since: Date): Promise<Amount> {
  const paid = await invoices.select(
    db,
    `where customer_id = $1 and paid_from = 'balance' and ended_at >= $2`,
    [customerId, since],
  );
  return paid.reduce((sum, { amount }) => sum + amount, 0n);
}

async function renewing(db: Queryable, customerIds: readonly string[], nowMs: number): Promise<Amount> {
  const until = new Date(nowMs + HORIZON_DAYS * DAY_MS);
  const due = await subscriptions.select(
    db,
    `where customer_id = any($1::text[]) and status = 'active' and period_end <= $2`,
    [customerIds, until],
  );
  return due.reduce((sum, subscription) => sum + monthsBefore(subscription, until), 0n);
}

/** A month has 28 days at least, so that two may begin within 30. */
function monthsBefore(subscription: Subscription, until: Date): Amount {
  const { createdAt, period, nextSeatCount, seatCount } = subscription;
  const price = priceOf({ ...subscription, seatCount: nextSeatCount ?? seatCount });
  let sum = 0n;
  for (let next = period + 1; monthlyPeriod(createdAt, next).start <= until; next++) sum += price;
  return sum;
}
