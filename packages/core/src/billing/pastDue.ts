import type { Tx } from '@agentpay/primitives';
import { oneByOne } from '../attempts.js';
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
  const { done, failures } = await oneByOne(core, {
    job: 'billing.overdue',
    most: BATCH,
    next: (tx, { isDue }) => store.takeOverdue(tx, { now, isDue }),
    work: (tx, row) => tellOverdue(core, tx, store.readLines(row)),
  });
  return { done: { overdue: 0, ...done }, failures };
}

async function tellOverdue(core: Core, tx: Tx, invoice: Invoice): Promise<'overdue'> {
  await tellInvoice(core, tx, invoiceOverdue, invoice);
  const { subscriptionId: id } = invoice;
  const subscription = id === null ? undefined : await store.subscriptions.lock(tx, { id });
  const status = subscription && subscriptionAfter(subscription.status, 'overdue');
  if (!status) return 'overdue';
  await store.subscriptions.update(tx, { id: subscription.id }, { status });
  await tellSubscription(core, tx, subscriptionPastDue, { ...subscription, status });
  return 'overdue';
}
