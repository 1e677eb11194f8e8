import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, idOf, line, timestamp, whole } from '../../resources/values.js';

const SUBSCRIPTION = 'sub_01kb3x9v7f5m2q8r4t6w0y1z3h';
const INVOICE = 'inv_01kb3x9v7f5m2q8r4t6w0y1z3j';
const auth = anyOf('developer');
const params = z.object({ subscription_id: idOf('subscription', 'bundle_subscription') });
const status = z.enum(['active', 'past_due', 'canceled']);
const seats = whole(1, 100_000);

const subscription = z.object({
  id: z.string(),
  /** The developer or the organization that pays. */
  customer_id: z.string(),
  plan: z.string(),
  bundle_id: z.string().nullable(),
  seat_count: z.number(),
  /** From the next month on, where they become fewer. */
  next_seat_count: z.number().nullable(),
  status,
  /** What a month costs. */
  price_usdc: decimalAmount,
  period_end: timestamp,
  created_at: timestamp,
  canceled_at: timestamp.nullable(),
});

const example = {
  id: SUBSCRIPTION,
  customer_id: 'dev_01kb3x9v7f5m2q8r4t6w0y1z3p',
  plan: 'pro',
  bundle_id: null,
  seat_count: 5,
  next_seat_count: null,
  status: 'active',
  price_usdc: '145.00',
  period_end: '2026-03-26T20:10:00Z',
  created_at: '2026-02-26T20:10:00Z',
  canceled_at: null,
};

/** POST /subscriptions */
export const create = Endpoint.from({
  summary:
    'Subscribes the developer, or an organization that they pay for, to seats of a plan. The first month is invoiced.',
  method: 'POST',
  path: '/subscriptions',
  auth,
  idempotent: true,
  body: z.object({
    plan: line(textBounds.name),
    seat_count: seats,
    /** The organization that pays instead of the developer. */
    org_id: id('org').optional(),
    /** A purchase order of that organization, which every invoice draws. */
    po_id: id('purchase_order').optional(),
  }),
  response: z.object({ subscription_id: z.string(), status, invoice_id: z.string() }),
  status: 200,
  errors: ['org_not_found', 'forbidden', 'purchase_order_not_found', 'purchase_order_exhausted'],
  example: {
    body: { plan: 'pro', seat_count: 5 },
    response: { subscription_id: SUBSCRIPTION, status: 'active', invoice_id: INVOICE },
  },
});

/** GET /subscriptions */
export const list = Endpoint.from({
  summary:
    'Lists the subscriptions of the developer and of the organizations that they pay for, newest first; those that ended only by status.',
  method: 'GET',
  path: '/subscriptions',
  auth,
  query: pageQuery.extend({ status: status.optional() }),
  response: pageOf('subscriptions', subscription),
  status: 200,
  example: { response: { subscriptions: [example], total: 1 } },
});

/** PATCH /subscriptions/{subscription_id} */
export const setSeats = Endpoint.from({
  summary:
    'Changes the seats of a plan. More count at once, and what is left of the month is invoiced; fewer count from the next month on.',
  method: 'PATCH',
  path: '/subscriptions/{subscription_id}',
  auth,
  params,
  body: z.object({ seat_count: seats }),
  response: subscription.extend({ invoice_id: z.string().nullable() }),
  status: 200,
  errors: ['subscription_not_found', 'subscription_wrong_state', 'purchase_order_exhausted'],
  example: {
    params: { subscription_id: SUBSCRIPTION },
    body: { seat_count: 7 },
    response: { ...example, seat_count: 7, price_usdc: '203.00', invoice_id: INVOICE },
  },
});

/** DELETE /subscriptions/{subscription_id} */
const remove = Endpoint.from({
  summary:
    'Ends a subscription at once. What was paid stays paid; of an open invoice the part of the month that is over is owed.',
  method: 'DELETE',
  path: '/subscriptions/{subscription_id}',
  auth,
  params,
  response: z.object({ status }),
  status: 200,
  errors: ['subscription_not_found'],
  example: { params: { subscription_id: SUBSCRIPTION }, response: { status: 'canceled' } },
});
export { remove as delete };
