import { AgentPayError, formatDecimal, isId, newId } from '@agentpay/primitives';
import type { Amount, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { ifGiven } from '../table.js';
import * as store from './BillingStore.js';
import {
  subscriptionCanceled,
  subscriptionChanged,
  subscriptionCreated,
  tellSubscription,
} from './events.js';
import type { Invoice, Line } from './Invoice.js';
import { bill, customersOf, requireSpender, voidOpen } from './invoices.js';
import { monthlyPeriod, prorate } from './proration.js';
import type { BillingPeriod } from './proration.js';
import { subscriptionAfter } from './Subscription.js';
import type { Subscription, SubscriptionStatus } from './Subscription.js';

type OfSubscription = { readonly principal: Principal; readonly subscriptionId: string };
/** Seats that a plan has at most. */
const MAX_SEATS = 100_000;

/**
 * Subscribes the caller, or an organization that they pay for, to seats of a plan. The first month is invoiced at once.
 * @throws AgentPayError `invalid_request` for an unknown plan or seats, `org_not_found`, `forbidden`, `purchase_order_not_found`,
 * `purchase_order_exhausted`
 */
export async function subscribe(
  core: Core,
  request: {
    principal: Principal;
    plan: string;
    seatCount: number;
    orgId?: string | undefined;
    purchaseOrderId?: string | undefined;
  },
): Promise<{ subscription: Subscription; invoice: Invoice }> {
  const { plan, seatCount, purchaseOrderId } = request;
  const { plans } = core.settings.billing;
  const known = Object.hasOwn(plans, plan) ? plans[plan] : undefined;
  if (!known)
    throw new AgentPayError('invalid_request', `The plans are ${Object.keys(plans).join(', ')}.`, {
      param: 'plan',
    });
  checkSeats(seatCount);
  return core.db.tx(async (tx) => {
    const customerId = await requireSpender(tx, request);
    const { seatPrice } = known;
    const subscription = draft(core, {
      id: newId('subscription', core),
      customerId,
      plan,
      seatCount,
      seatPrice,
      purchaseOrderId,
    });
    return start(core, tx, subscription, []);
  });
}

/** What is to be subscribed to. */
export type Subscribed = Pick<Subscription, 'id' | 'customerId' | 'plan' | 'seatCount' | 'seatPrice'> & {
  readonly bundleId?: string | undefined;
  readonly purchaseOrderId?: string | undefined;
};

export function draft(
  core: Core,
  { bundleId = null, purchaseOrderId = null, ...of }: NullableSubscribed,
): Subscription {
  const createdAt = new Date(core.clock.now());
  return {
    ...of,
    bundleId,
    purchaseOrderId,
    nextSeatCount: null,
    status: 'active',
    period: 0,
    periodEnd: monthlyPeriod(createdAt, 0).end,
    createdAt,
    canceledAt: null,
  };
}

type NullableSubscribed = Omit<Subscribed, 'bundleId' | 'purchaseOrderId'> & {
  readonly bundleId?: string | null | undefined;
  readonly purchaseOrderId?: string | null | undefined;
};

/** Keeps a subscription and invoices its first month, inside the caller's transaction. */
export async function start(
  core: Core,
  tx: Tx,
  subscription: Subscription,
  sellers: readonly string[],
): Promise<{ subscription: Subscription; invoice: Invoice }> {
  await store.subscriptions.insert(tx, subscription);
  await tellSubscription(core, tx, subscriptionCreated, subscription);
  return { subscription, invoice: await billPeriod(core, tx, subscription, sellers) };
}

/** Invoices the running period whole, inside the caller's transaction. */
export function billPeriod(
  core: Core,
  tx: Tx,
  subscription: Subscription,
  sellers: readonly string[],
): Promise<Invoice> {
  const { id, customerId, purchaseOrderId } = subscription;
  const lines = [lineOf(subscription, priceOf(subscription), periodOf(subscription))];
  return bill(core, tx, {
    customerId,
    lines,
    subscriptionId: id,
    purchaseOrderId: purchaseOrderId ?? undefined,
    sellers,
  });
}

/** Subscriptions of the caller and of the organizations that they pay for, in any of these states, newest first. */
export async function listSubscriptions(
  core: Core,
  request: {
    principal: Principal;
    statuses?: readonly SubscriptionStatus[] | undefined;
  } & PageRequest,
): Promise<{ subscriptions: Subscription[] } & Counted> {
  const { statuses = null } = request;
  const customers = await customersOf(core.db, request.principal);
  const { rows, ...counted } = await store.subscriptions.page(core.db, {
    where: `${ifGiven(customers, 'customer_id = any($1)')} and ${ifGiven(statuses, 'status = any($2)')}`,
    params: [customers, statuses],
    order: newestFirst,
    ...page(request),
  });
  return { subscriptions: rows, ...counted };
}

/** @throws AgentPayError `subscription_not_found` */
export async function getSubscription(core: Core, request: OfSubscription): Promise<Subscription> {
  return core.db.tx((tx) => lockOwn(tx, request));
}

/**
 * Changes the seats of a plan. More seats count at once, and what is left of the month is invoiced for them; fewer count from the next
 * month on.
 * @throws AgentPayError `subscription_not_found`, `subscription_wrong_state` for one that is canceled or a bundle, `invalid_request`,
 * `purchase_order_exhausted`
 */
export function setSeats(
  core: Core,
  request: OfSubscription & { seatCount: number },
): Promise<{ subscription: Subscription; invoice: Invoice | undefined }> {
  const { seatCount } = request;
  checkSeats(seatCount);
  return core.db.tx(async (tx) => {
    const before = await lockOwn(tx, request);
    if (before.status === 'canceled' || before.bundleId !== null) throw wrongState(before);
    const more = seatCount > before.seatCount;
    const change = more
      ? { seatCount, nextSeatCount: null }
      : { nextSeatCount: seatCount === before.seatCount ? null : seatCount };
    const after: Subscription = { ...before, ...change };
    await tx.query('update subscriptions set seat_count = $2, next_seat_count = $3 where id = $1', [
      after.id,
      after.seatCount,
      after.nextSeatCount,
    ]);
    await tellSubscription(core, tx, subscriptionChanged, after);
    return { subscription: after, invoice: more ? await billMore(core, tx, before, after) : undefined };
  });
}

async function billMore(
  core: Core,
  tx: Tx,
  before: Subscription,
  after: Subscription,
): Promise<Invoice | undefined> {
  const period = periodOf(after);
  const now = new Date(core.clock.now());
  const { unused: amount } = prorate(priceOf(after) - priceOf(before), period, now);
  if (amount === 0n) return undefined;
  const seats = after.seatCount - before.seatCount;
  const line = lineOf({ ...after, seatCount: seats }, amount, { start: now, end: period.end });
  return bill(core, tx, {
    customerId: after.customerId,
    lines: [line],
    subscriptionId: after.id,
    purchaseOrderId: after.purchaseOrderId ?? undefined,
  });
}

/**
 * Ends a subscription at once; again changes nothing. What was paid for stays paid. In place of each invoice of the running month that is
 * still open there is one for the part of the month that is over.
 * @throws AgentPayError `subscription_not_found`
 */
export function cancel(core: Core, request: OfSubscription): Promise<Subscription> {
  return core.db.tx(async (tx) => {
    const subscription = await lockOwn(tx, request);
    return end(core, tx, subscription);
  });
}

/** {@link cancel} inside the caller's transaction, which has locked it. */
export async function end(core: Core, tx: Tx, subscription: Subscription): Promise<Subscription> {
  const status = subscriptionAfter(subscription.status, 'cancel');
  if (!status) return subscription;
  const canceledAt = new Date(core.clock.now());
  await store.subscriptions.update(tx, { id: subscription.id }, { status, canceledAt });
  const ended: Subscription = { ...subscription, status, canceledAt };
  await tellSubscription(core, tx, subscriptionCanceled, ended);
  for (const invoice of await openOfPeriod(tx, subscription))
    await shorten(core, tx, { subscription, invoice, at: canceledAt });
  return ended;
}

async function openOfPeriod(tx: Tx, subscription: Subscription): Promise<Invoice[]> {
  const { start: began } = periodOf(subscription);
  const rows = await store.invoices.select(
    tx,
    `where subscription_id = $1 and status = 'open' and created_at >= $2 order by created_at, id for no key update`,
    [subscription.id, began],
  );
  return rows.map(store.readLines);
}

async function shorten(
  core: Core,
  tx: Tx,
  { subscription, invoice, at }: { subscription: Subscription; invoice: Invoice; at: Date },
): Promise<void> {
  const { end: periodEnd } = periodOf(subscription);
  const { used } = prorate(invoice.amount, { start: invoice.createdAt, end: periodEnd }, at);
  await voidOpen(core, tx, invoice);
  if (used === 0n) return;
  const desc = `${subscription.plan} until it was canceled on ${day(at)} (in place of ${formatDecimal(invoice.amount)})`;
  await bill(core, tx, {
    customerId: invoice.customerId,
    lines: [{ desc, amount: used }],
    subscriptionId: subscription.id,
    purchaseOrderId: invoice.purchaseOrderId ?? undefined,
    sellers: invoice.sellers,
  });
}

/** What a month of a subscription costs. */
export function priceOf({ seatPrice, seatCount }: Pick<Subscription, 'seatPrice' | 'seatCount'>): Amount {
  return seatPrice * BigInt(seatCount);
}

/** The running period. */
export function periodOf({ createdAt, period }: Pick<Subscription, 'createdAt' | 'period'>): BillingPeriod {
  return monthlyPeriod(createdAt, period);
}

function lineOf(
  { plan, bundleId, seatCount }: Subscription,
  amount: Amount,
  { start, end }: BillingPeriod,
): Line {
  const what =
    bundleId === null ? `${plan}, ${seatCount} ${seatCount === 1 ? 'seat' : 'seats'}` : `bundle ${bundleId}`;
  return { desc: `${what}, ${day(start)} to ${day(end)}`, amount };
}

const day = (at: Date) => at.toISOString().slice(0, 10);

async function lockOwn(tx: Tx, { principal, subscriptionId: id }: OfSubscription): Promise<Subscription> {
  const kept =
    isId('subscription', id) || isId('bundle_subscription', id)
      ? await store.subscriptions.lock(tx, { id })
      : undefined;
  const seen = await customersOf(tx, principal);
  if (kept && (seen === null || seen.includes(kept.customerId))) return kept;
  throw new AgentPayError('subscription_not_found', 'You have no subscription with this id.');
}

function checkSeats(seatCount: number): void {
  if (Number.isInteger(seatCount) && seatCount >= 1 && seatCount <= MAX_SEATS) return;
  throw new AgentPayError('invalid_request', `seat_count must be a whole number from 1 to ${MAX_SEATS}.`, {
    param: 'seatCount',
  });
}

function wrongState({ status, bundleId }: Subscription): AgentPayError {
  const reason = bundleId === null ? status : 'bundle';
  return new AgentPayError(
    'subscription_wrong_state',
    `The subscription is ${bundleId === null ? status : 'one of a bundle'}.`,
    { reason },
  );
}
