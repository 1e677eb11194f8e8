import * as z from 'zod';
import { timestamp } from '../../resources/values.js';

/** Which of the two that a payment is between. */
export const side = z.enum(['payer', 'payee']);

/** What one side says is wrong with a payment; the operator decides. */
export const complaint = z.object({
  id: z.string(),
  /** "open", "under_review", "withdrawn", "resolved_refunded" or "resolved_denied". */
  status: z.string(),
  openedBy: side,
  reason: z.string(),
  description: z.string().nullable(),
  /** What the operator wrote about the decision. */
  note: z.string().nullable(),
  createdAt: timestamp,
  resolvedAt: timestamp.nullable(),
});
export const complaintExample = {
  id: 'disp_01kb3x9v7f5m2q8r4t6w0y1z3k',
  status: 'open',
  openedBy: 'payer',
  reason: 'service_not_delivered',
  description: 'The data never came',
  note: null,
  createdAt: '2026-05-08T12:05:00Z',
  resolvedAt: null,
};
