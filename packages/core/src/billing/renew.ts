import { isAgentPayError } from '@agentpay/primitives';
import type { Tx } from '@agentpay/primitives';
import { oneByOne } from '../attempts.js';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import * as store from './BillingStore.js';
import { subscriptionRenewed, tellSubscription } from './events.js';
import { monthlyPeriod } from './proration.js';
import { subscriptionAfter } from './Subscription.js';
import type { Subscription } from './Subscription.js';
import { billPeriod, end } from './subscriptions.js';

const BATCH = 200;

/**
 * Begins the next month of every subscription whose month is over, and invoices it. One that is past due, or whose purchase order has not
 * enough left, ends instead. A month that was missed is invoiced by a run of its own.
 */
export async function renew(core: Core): Promise<JobReport> {
  const now = new Date(core.clock.now());
  const { done, failures } = await oneByOne(core, {
    job: 'billing.renew',
    most: BATCH,
    next: (tx, { isDue }) => store.lockEnded(tx, { now, isDue }),
    work: (tx, due) => renewOne(core, tx, due),
  });
  return { done: { renewed: 0, canceled: 0, ...done }, failures };
}

async function renewOne(core: Core, tx: Tx, due: Subscription): Promise<'renewed' | 'canceled'> {
  if (subscriptionAfter(due.status, 'renew') === 'canceled') {
    await end(core, tx, due);
    return 'canceled';
  }
  const next = nextPeriod(due);
  try {
    await billPeriod(core, tx, next, await sellersOf(tx, due));
  } catch (error) {
    if (!isAgentPayError(error, 'purchase_order_exhausted')) throw error;
    await end(core, tx, due);
    return 'canceled';
  }
  const { seatCount, period, periodEnd } = next;
  await tx.query(
    'update subscriptions set seat_count = $2, next_seat_count = null, period = $3, period_end = $4 where id = $1',
    [due.id, seatCount, period, periodEnd],
  );
  await tellSubscription(core, tx, subscriptionRenewed, next);
  return 'renewed';
}

function nextPeriod(due: Subscription): Subscription {
  const period = due.period + 1;
  return {
    ...due,
    period,
    periodEnd: monthlyPeriod(due.createdAt, period).end,
    seatCount: due.nextSeatCount ?? due.seatCount,
    nextSeatCount: null,
  };
}

/** The developers of a bundle as its last invoice named them; a plan has none. */
async function sellersOf(tx: Tx, { id }: Subscription): Promise<readonly string[]> {
  const [last] = await store.invoices.select(
    tx,
    'where subscription_id = $1 order by created_at desc, id desc limit 1',
    [id],
  );
  return last?.sellers ?? [];
}
