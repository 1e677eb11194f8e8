import type { Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import * as store from './BillingStore.js';
import {
  invoiceOverdue,
  subscriptionChanged,
  subscriptionPastDue,
  tellInvoice,
  tellSubscription,
} from './events.js';
import type { Invoice } from './Invoice.js';
import { subscriptionAfter } from './Subscription.js';

const BATCH = 200;

/** An invoice is no longer owed: its subscription goes on if it waited for that, inside the caller's transaction. */
export async function paidUp(core: Core, tx: Tx, { subscriptionId: id }: Invoice): Promise<void> {
  const subscription = id === null ? undefined : await store.subscriptions.lock(tx, { id });
  const status = subscription && subscriptionAfter(subscription.status, 'paid');
  if (!status || (await store.hasOverdue(tx, subscription.id))) return;
  await store.subscriptions.update(tx, { id: subscription.id }, { status });
  await tellSubscription(core, tx, subscriptionChanged, { ...subscription, status });
}

/** Notes invoices that were not paid in time, and their subscriptions with them. */
export async function noteOverdue(core: Core): Promise<JobReport> {
  const now = new Date(core.clock.now());
  const overdue = await core.db.tx(async (tx) => {
    const taken = await store.takeOverdue(tx, { now, limit: BATCH });
    for (const row of taken) {
      const invoice = store.readLines(row);
      await tellInvoice(core, tx, invoiceOverdue, invoice);
      const { subscriptionId: id } = invoice;
      const subscription = id === null ? undefined : await store.subscriptions.lock(tx, { id });
      const status = subscription && subscriptionAfter(subscription.status, 'overdue');
      if (!status) continue;
      await store.subscriptions.update(tx, { id: subscription.id }, { status });
      await tellSubscription(core, tx, subscriptionPastDue, { ...subscription, status });
    }
    return taken.length;
  });
  return { done: { overdue }, failures: [] };
}
