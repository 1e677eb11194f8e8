import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { timestamp } from '../../resources/values.js';

const claim = z.object({
  /** The refund that the platform paid in place of the payee. */
  refund_id: z.string(),
  payment_id: z.string(),
  /** Who owes it; null for somebody who is not on the platform, who has a label. */
  payee_id: z.string().nullable(),
  to_external: z.string().nullable(),
  currency: z.string(),
  amount,
  /** What was collected of it from the payee's wallet. */
  collected_amount: amount,
  created_at: timestamp,
});

/** GET /v1/admin/claims */
export const list = Endpoint.from({
  summary: 'Lists what payees owe the platform for refunds that it paid in their place, oldest first.',
  method: 'GET',
  path: '/v1/admin/claims',
  auth: anyOf('admin'),
  query: pageQuery.extend({
    /** `all` shows those that are paid, too. */
    status: z.enum(['open', 'all'], { error: 'must be open or all' }).optional(),
  }),
  response: pageOf('claims', claim),
  status: 200,
  example: {
    response: {
      claims: [
        {
          refund_id: 'rfd_01kb3x9v7f5m2q8r4t6w0y1z3a',
          payment_id: 'tx_01kb3x9v7f5m2q8r4t6w0y1z3b',
          payee_id: 'agent_01kb3x9v7f5m2q8r4t6w0y1z3c',
          to_external: null,
          currency: 'USD',
          amount: 5,
          collected_amount: 1.25,
          created_at: '2026-05-08T13:00:00Z',
        },
      ],
      total: 1,
    },
  },
});
