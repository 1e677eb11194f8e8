import { formatDecimal } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import { z } from 'zod';
import type { Core } from '../Core.js';
import { emit, eventType } from '../events/index.js';
import type { EventType } from '../events/index.js';
import { find as findParty } from '../parties/index.js';
import { audienceOf } from '../orgs/index.js';
import type { Invoice } from './Invoice.js';
import type { Subscription } from './Subscription.js';

const text = z.string();
const invoice = {
  invoice_id: text,
  customer_id: text,
  subscription_id: text.nullable(),
  amount_usdc: text,
  status: text,
  due_at: text,
};
const subscription = {
  subscription_id: text,
  customer_id: text,
  plan: text,
  seat_count: z.number(),
  status: text,
};

export const invoiceCreated = eventType('invoice.created', invoice);
export const invoicePaid = eventType('invoice.paid', invoice);
export const invoiceOverdue = eventType('invoice.overdue', invoice);
export const invoiceVoided = eventType('invoice.voided', invoice);
export const subscriptionCreated = eventType('subscription.created', subscription);
export const subscriptionRenewed = eventType('subscription.renewed', subscription);
export const subscriptionChanged = eventType('subscription.changed', subscription);
export const subscriptionPastDue = eventType('subscription.past_due', subscription);
export const subscriptionCanceled = eventType('subscription.canceled', subscription);

/** This month's spending has reached what an alert watches for. */
export const alertTriggered = eventType('alert.triggered', {
  alert_id: text,
  type: text,
  threshold_usdc: text,
  spent_usdc: text,
  month: text,
});

export async function tellInvoice(
  core: Core,
  tx: Tx,
  type: EventType<string, typeof invoice>,
  of: Invoice,
): Promise<void> {
  const object = {
    invoice_id: of.id,
    customer_id: of.customerId,
    subscription_id: of.subscriptionId,
    amount_usdc: formatDecimal(of.amount),
    status: of.status,
    due_at: of.dueAt.toISOString(),
  };
  await emit(core, tx, type, { subject: of.id, audience: await customers(tx, of.customerId), object });
}

export async function tellSubscription(
  core: Core,
  tx: Tx,
  type: EventType<string, typeof subscription>,
  { id, customerId, plan, seatCount, status }: Subscription,
): Promise<void> {
  const object = { subscription_id: id, customer_id: customerId, plan, seat_count: seatCount, status };
  await emit(core, tx, type, { subject: id, audience: await customers(tx, customerId), object });
}

/** Who is told of what a customer owes: the customer, and those who pay for an organization. */
export async function customers(
  db: Queryable,
  customerId: string,
): Promise<readonly { readonly id: string }[]> {
  const party = await findParty(db, { partyId: customerId });
  return party?.kind === 'org' ? audienceOf(db, customerId, 'spend') : [{ id: customerId }];
}
