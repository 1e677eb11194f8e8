import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, timestamp } from '../../resources/values.js';

const RECEIPT = 'rcpt_01kb3x9v7f5m2q8r4t6w0y1z3k';
const auth = anyOf('developer', 'gateway');

const receipt = z.object({
  id: z.string(),
  amount_usdc: decimalAmount,
  line_items: z.array(z.object({ desc: z.string(), amount: decimalAmount })),
  /** The invoice that was paid, or the authorization that was completed. */
  invoice_id: z.string().nullable(),
  authorization_id: z.string().nullable(),
  created_at: timestamp,
});

const example = {
  id: RECEIPT,
  amount_usdc: '12.00',
  line_items: [{ desc: 'agent call', amount: '12.00' }],
  invoice_id: null,
  authorization_id: 'auth_01kb3x9v7f5m2q8r4t6w0y1z3m',
  created_at: '2026-02-26T20:10:00Z',
};

/** GET /receipts */
export const list = Endpoint.from({
  summary: 'Lists receipts of what the caller has paid, sold or completed, newest first.',
  method: 'GET',
  path: '/receipts',
  auth,
  tool: {},
  query: pageQuery,
  response: pageOf('receipts', receipt),
  status: 200,
  example: { response: { receipts: [example], total: 1 } },
});

/** GET /receipts/{receipt_id} */
export const get = Endpoint.from({
  summary: 'Reads a receipt; the gateway that completed an authorization may, too.',
  method: 'GET',
  path: '/receipts/{receipt_id}',
  auth,
  tool: {},
  params: z.object({ receipt_id: id('receipt') }),
  response: receipt,
  status: 200,
  errors: ['receipt_not_found'],
  example: { params: { receipt_id: RECEIPT }, response: example },
});

/** GET /receipts/{receipt_id}.pdf */
export const pdf = Endpoint.binary({
  summary: 'A receipt as a PDF document.',
  method: 'GET',
  path: '/receipts/{receipt_id}.pdf',
  auth,
  params: z.object({ receipt_id: id('receipt') }),
  contentType: 'application/pdf',
  errors: ['receipt_not_found'],
  example: { params: { receipt_id: RECEIPT } },
});
