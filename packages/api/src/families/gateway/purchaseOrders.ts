import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

const ORG = 'org_01kb3x9v7f5m2q8r4t6w0y1z3a';
const ORDER = 'po_01kb3x9v7f5m2q8r4t6w0y1z3d';
const auth = anyOf('developer');
const params = z.object({ org_id: id('org') });
const status = z.enum(['open', 'exhausted']);

/** POST /orgs/{org_id}/purchase-orders */
export const create = Endpoint.from({
  summary: 'Agrees to be invoiced for an amount, at most. Invoices that name the order draw it down.',
  method: 'POST',
  path: '/orgs/{org_id}/purchase-orders',
  auth,
  idempotent: true,
  params,
  body: z.object({ amount_usdc: positiveDecimalAmount, memo: line(textBounds.memo) }),
  response: z.object({ po_id: z.string(), status }),
  status: 200,
  errors: ['org_not_found', 'forbidden'],
  example: {
    params: { org_id: ORG },
    body: { amount_usdc: '1000.00', memo: 'Q2 credits' },
    response: { po_id: ORDER, status: 'open' },
  },
});

/** GET /orgs/{org_id}/purchase-orders */
export const list = Endpoint.from({
  summary: "Lists the organization's purchase orders, newest first.",
  method: 'GET',
  path: '/orgs/{org_id}/purchase-orders',
  auth,
  params,
  query: pageQuery,
  response: pageOf(
    'purchase_orders',
    z.object({
      id: z.string(),
      /** `exhausted` once nothing is left of it. */
      status,
      amount_usdc: decimalAmount,
      /** Invoiced so far. */
      drawn_usdc: decimalAmount,
      memo: z.string(),
      created_at: timestamp,
    }),
  ),
  status: 200,
  errors: ['org_not_found'],
  example: {
    params: { org_id: ORG },
    response: {
      purchase_orders: [
        {
          id: ORDER,
          status: 'open',
          amount_usdc: '1000.00',
          drawn_usdc: '0.00',
          memo: 'Q2 credits',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});
