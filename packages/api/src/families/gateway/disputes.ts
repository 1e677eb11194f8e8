import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, idOf, line, lines, timestamp } from '../../resources/values.js';

const DISPUTE = 'dp_01kb3x9v7f5m2q8r4t6w0y1z3q';
const INVOICE = 'inv_01kb3x9v7f5m2q8r4t6w0y1z3j';
const status = z.enum(['open', 'withdrawn', 'resolved']);
const params = z.object({ dispute_id: idOf('dispute', 'invoice_dispute') });

const dispute = z.object({
  id: z.string(),
  status,
  /** What it is about is one of the three. */
  invoice_id: z.string().nullable(),
  payment_id: z.string().nullable(),
  agreement_id: z.string().nullable(),
  reason: z.string(),
  /** `approved` or `denied`, once it is decided. */
  resolution: z.enum(['approved', 'denied']).nullable(),
  created_at: timestamp,
  resolved_at: timestamp.nullable(),
});

const example = {
  id: DISPUTE,
  status: 'open',
  invoice_id: INVOICE,
  payment_id: null,
  agreement_id: null,
  reason: 'overcharge',
  resolution: null,
  created_at: '2026-02-26T20:10:00Z',
  resolved_at: null,
};

/** POST /disputes */
export const create = Endpoint.from({
  summary: 'Opens the one dispute about an invoice, which does not become overdue until it is decided.',
  method: 'POST',
  path: '/disputes',
  auth: anyOf('developer'),
  body: z.object({
    invoice_id: id('invoice'),
    reason: line(textBounds.reason),
    description: lines(textBounds.description).optional(),
  }),
  response: z.object({ dispute_id: z.string(), status }),
  status: 200,
  errors: ['invoice_not_found', 'invoice_wrong_state', 'dispute_window_closed', 'duplicate_dispute'],
  example: {
    body: { invoice_id: INVOICE, reason: 'overcharge' },
    response: { dispute_id: DISPUTE, status: 'open' },
  },
});

/** GET /disputes */
export const list = Endpoint.from({
  summary: 'Lists the disputes that the developer has opened, newest first.',
  method: 'GET',
  path: '/disputes',
  auth: anyOf('developer'),
  query: pageQuery,
  response: pageOf('disputes', dispute),
  status: 200,
  example: { response: { disputes: [example], total: 1 } },
});

/** GET /admin/disputes */
export const listAll = Endpoint.from({
  summary: 'Lists all disputes, about invoices and about payments, newest first.',
  method: 'GET',
  path: '/admin/disputes',
  auth: anyOf('admin'),
  query: pageQuery,
  response: pageOf('disputes', dispute),
  status: 200,
  example: { response: { disputes: [example], total: 1 } },
});

/** POST /disputes/{dispute_id}/resolve */
export const resolve = Endpoint.from({
  summary:
    'Decides a dispute. Approved: an open invoice becomes void, what was paid is given back; the fee stays. Again changes nothing.',
  method: 'POST',
  path: '/disputes/{dispute_id}/resolve',
  auth: anyOf('admin'),
  params,
  body: z.object({
    resolution: z.enum(['approved', 'rejected', 'denied'], { error: 'must be approved, rejected or denied' }),
    note: line(textBounds.description).optional(),
  }),
  response: z.object({ status }),
  status: 200,
  errors: ['dispute_not_found', 'dispute_wrong_state'],
  example: {
    params: { dispute_id: DISPUTE },
    body: { resolution: 'approved' },
    response: { status: 'resolved' },
  },
});
