import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { timestamp } from '../../resources/values.js';

const event = z.object({
  id: z.string(),
  /** `pending`: the money may move; `confirmed`: it moved, proved. */
  status: z.enum(['pending', 'confirmed']),
  url: z.string(),
  network: z.string(),
  asset: z.string(),
  amount: decimalAmount,
  pay_to: z.string(),
  transaction_id: z.string(),
  /** Hash of the transaction; null until it is proved. */
  transaction: z.string().nullable(),
  created_at: timestamp,
});

/** GET /v1/spend-events */
export const list = Endpoint.from({
  summary:
    'Lists what was paid with the key, newest first; in the dashboard what was paid with any key of the user.',
  method: 'GET',
  path: '/v1/spend-events',
  auth: anyOf('apiKey', 'session'),
  tool: {},
  query: pageQuery,
  response: pageOf('spend_events', event),
  status: 200,
  example: {
    response: {
      spend_events: [
        {
          id: 'pur_01kb3x9v7f5m2q8r4t6w0y1z3a',
          status: 'confirmed',
          url: 'https://api.example.com/resource',
          network: 'eip155:84532',
          asset: 'USDC',
          amount: '0.01',
          pay_to: '0x1234...',
          transaction_id: 'tx_01kb3x9v7f5m2q8r4t6w0y1z3b',
          transaction: '0x3f1c...',
          created_at: '2026-05-08T13:00:00Z',
        },
      ],
      total: 1,
    },
  },
});
