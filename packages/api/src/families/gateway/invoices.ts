import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

const INVOICE = 'inv_01kb3x9v7f5m2q8r4t6w0y1z3j';
const DEVELOPER = 'dev_01kb3x9v7f5m2q8r4t6w0y1z3p';
const auth = anyOf('developer');
const params = z.object({ invoice_id: id('invoice') });
const status = z.enum(['open', 'paid', 'void']);

const invoice = z.object({
  id: z.string(),
  status,
  /** The developer or the organization that owes it. */
  customer_id: z.string(),
  amount_usdc: decimalAmount,
  line_items: z.array(z.object({ desc: z.string(), amount: decimalAmount })),
  subscription_id: z.string().nullable(),
  po_id: z.string().nullable(),
  due_at: timestamp,
  overdue: z.boolean(),
  created_at: timestamp,
  ended_at: timestamp.nullable(),
});

const example = {
  id: INVOICE,
  status: 'open',
  customer_id: DEVELOPER,
  amount_usdc: '145.00',
  line_items: [{ desc: 'pro, 5 seats, 2026-02-26 to 2026-03-26', amount: '145.00' }],
  subscription_id: 'sub_01kb3x9v7f5m2q8r4t6w0y1z3h',
  po_id: null,
  due_at: '2026-03-12T20:10:00Z',
  overdue: false,
  created_at: '2026-02-26T20:10:00Z',
  ended_at: null,
};

/** GET /invoices */
export const list = Endpoint.from({
  summary: 'Lists the invoices of the developer and of the organizations that they pay for, newest first.',
  method: 'GET',
  path: '/invoices',
  auth,
  query: pageQuery.extend({ status: status.optional() }),
  response: pageOf('invoices', invoice),
  status: 200,
  example: { response: { invoices: [example], total: 1 } },
});

/** GET /invoices/{invoice_id} */
export const get = Endpoint.from({
  summary: 'Reads an invoice.',
  method: 'GET',
  path: '/invoices/{invoice_id}',
  auth,
  params,
  response: invoice,
  status: 200,
  errors: ['invoice_not_found'],
  example: { params: { invoice_id: INVOICE }, response: example },
});

/** GET /invoices/{invoice_id}.pdf */
export const pdf = Endpoint.binary({
  summary: 'An invoice as a PDF document.',
  method: 'GET',
  path: '/invoices/{invoice_id}.pdf',
  auth,
  params,
  contentType: 'application/pdf',
  errors: ['invoice_not_found'],
  example: { params: { invoice_id: INVOICE } },
});

/** POST /invoices/{invoice_id}/pay */
export const pay = Endpoint.from({
  summary: 'Pays an invoice from the balance of its customer, within the policies of an organization.',
  method: 'POST',
  path: '/invoices/{invoice_id}/pay',
  auth,
  params,
  response: z.object({ status }),
  status: 200,
  errors: ['invoice_not_found', 'invoice_wrong_state', 'policy_denied', 'insufficient_funds'],
  example: { params: { invoice_id: INVOICE }, response: { status: 'paid' } },
});

/** POST /invoices/{invoice_id}/mark-paid */
export const markPaid = Endpoint.from({
  summary: 'Notes that an invoice was paid outside of the platform, and gives its receipt.',
  method: 'POST',
  path: '/invoices/{invoice_id}/mark-paid',
  auth: anyOf('admin'),
  params,
  body: z.object({ note: line(textBounds.note) }),
  response: z.object({ status }),
  status: 200,
  errors: ['invoice_not_found', 'invoice_wrong_state'],
  example: {
    params: { invoice_id: INVOICE },
    body: { note: 'paid via ACH' },
    response: { status: 'paid' },
  },
});

/** POST /admin/invoices */
export const create = Endpoint.from({
  summary: 'Invoices a developer or an organization.',
  method: 'POST',
  path: '/admin/invoices',
  auth: anyOf('admin'),
  idempotent: true,
  body: z.object({
    developer_id: id('developer').optional(),
    /** Instead of a developer. */
    org_id: id('org').optional(),
    amount_usdc: positiveDecimalAmount,
    /** What it is for. */
    description: line(textBounds.memo).optional(),
    /** A purchase order of the organization, which the invoice draws. */
    po_id: id('purchase_order').optional(),
  }),
  response: z.object({ invoice_id: z.string(), status, due_at: timestamp }),
  status: 201,
  errors: ['developer_not_found', 'org_not_found', 'purchase_order_not_found', 'purchase_order_exhausted'],
  example: {
    body: { developer_id: DEVELOPER, amount_usdc: '12.00' },
    response: { invoice_id: INVOICE, status: 'open', due_at: '2026-03-12T20:10:00Z' },
  },
});
