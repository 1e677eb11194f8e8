import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { id, timestamp } from '../../resources/values.js';

const ALERT = 'al_01kb3x9v7f5m2q8r4t6w0y1z3n';
const auth = anyOf('developer');
const type = z.literal('budget', { error: 'must be budget' });

/** POST /alerts */
export const create = Endpoint.from({
  summary:
    'Sends the event alert.triggered once in every month in which the developer and their organizations spend so much.',
  method: 'POST',
  path: '/alerts',
  auth,
  body: z.object({ type, threshold_usdc: positiveDecimalAmount }),
  response: z.object({ alert_id: z.string(), status: z.enum(['active', 'deleted']) }),
  status: 200,
  errors: ['conflict'],
  example: {
    body: { type: 'budget', threshold_usdc: '100.00' },
    response: { alert_id: ALERT, status: 'active' },
  },
});

/** GET /alerts */
export const list = Endpoint.from({
  summary: "Lists the developer's alerts, oldest first.",
  method: 'GET',
  path: '/alerts',
  auth,
  response: z.object({
    alerts: z.array(
      z.object({
        id: z.string(),
        type,
        threshold_usdc: decimalAmount,
        /** Month in which it has told of it. */
        triggered_month: z.string().nullable(),
        created_at: timestamp,
      }),
    ),
  }),
  status: 200,
  example: {
    response: {
      alerts: [
        {
          id: ALERT,
          type: 'budget',
          threshold_usdc: '100.00',
          triggered_month: null,
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
    },
  },
});

/** DELETE /alerts/{alert_id} */
const remove = Endpoint.from({
  summary: 'Watches no more.',
  method: 'DELETE',
  path: '/alerts/{alert_id}',
  auth,
  params: z.object({ alert_id: id('alert') }),
  response: z.object({ status: z.enum(['active', 'deleted']) }),
  status: 200,
  errors: ['alert_not_found'],
  example: { params: { alert_id: ALERT }, response: { status: 'deleted' } },
});
export { remove as delete };
