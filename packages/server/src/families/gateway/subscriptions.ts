import { gateway } from '@agentpay/api';
import { billing } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.subscriptions, ({ core }) => ({
  async create({ principal, body }) {
    const { plan, seat_count: seatCount, org_id: orgId, po_id: purchaseOrderId } = body;
    const request = { principal, plan, seatCount, orgId, purchaseOrderId };
    const { subscription, invoice } = await billing.subscribe(core, request);
    return { subscription_id: subscription.id, status: subscription.status, invoice_id: invoice.id };
  },
  async list({ principal, query }) {
    const { status, ...wanted } = query;
    // One that was canceled is read in history alone, by naming its state.
    const statuses = status === undefined ? (['active', 'past_due'] as const) : [status];
    const { subscriptions, ...page } = await billing.listSubscriptions(core, {
      principal,
      statuses,
      ...wanted,
    });
    return { subscriptions: subscriptions.map(shown), ...counted(page) };
  },
  async setSeats({ principal, params, body }) {
    const { subscription, invoice } = await billing.setSeats(core, {
      principal,
      subscriptionId: params.subscription_id,
      seatCount: body.seat_count,
    });
    return { ...shown(subscription), invoice_id: invoice?.id ?? null };
  },
  async delete({ principal, params }) {
    const { status } = await billing.cancel(core, { principal, subscriptionId: params.subscription_id });
    return { status };
  },
}));

function shown(subscription: billing.Subscription) {
  return {
    id: subscription.id,
    customer_id: subscription.customerId,
    plan: subscription.plan,
    bundle_id: subscription.bundleId,
    seat_count: subscription.seatCount,
    next_seat_count: subscription.nextSeatCount,
    status: subscription.status,
    price_usdc: subscription.seatPrice * BigInt(subscription.seatCount),
    period_end: subscription.periodEnd,
    created_at: subscription.createdAt,
    canceled_at: subscription.canceledAt,
  };
}
