import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { keptRequest, keptRequestExample } from '../../resources/keptRequest.js';
import { posting } from '../../resources/posting.js';
import { id, idOf, timestamp } from '../../resources/values.js';

const PAYMENT = 'tx_01kb3x9v7f5m2q8r4t6w0y1z3c';
const EVENT = 'evt_01kb3x9v7f5m2q8r4t6w0y1z3g';
const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';

const event = z.object({ id: z.string(), type: z.string(), created_at: timestamp });
const delivery = z.object({
  id: z.string(),
  event_id: z.string(),
  type: z.string(),
  webhook_id: z.string(),
  url: z.string(),
  /** "pending", "delivered" or "dead". */
  status: z.string(),
  attempts: z.number(),
  response_status: z.number().nullable(),
  created_at: timestamp,
});
/** What the books have of it. */
const entry = z.object({
  id: z.string(),
  kind: z.string(),
  created_at: timestamp,
  postings: z.array(posting),
});

const created_at = keptRequestExample.at;
const moved = { asset: 'USD', amount: '5.00' };

/** GET /api/traces/{object_id} */
export const get = Endpoint.from({
  summary:
    'What is behind an object: the request that made it, requests about it, its events, what webhooks were told, its entries in the books.',
  method: 'GET',
  path: '/api/traces/{object_id}',
  auth: anyOf('agent', 'gateway', 'developer', 'admin', 'session'),
  params: z.object({
    object_id: idOf(
      'transaction',
      'token',
      'dispute',
      'invoice_dispute',
      'payout',
      'service',
      'agreement',
      'agent',
      'call',
      'funding',
      'invoice',
      'receipt',
      'org',
      'listing',
    ),
  }),
  query: z.object({
    /** With a session: the agent of the user as which it is looked at. */
    agent_id: id('agent').optional(),
  }),
  response: z.object({
    object_id: z.string(),
    /** The request that made it; null when that was nobody's who is the caller, or is kept no more. */
    request: keptRequest.nullable(),
    /** The last 50 that made it or named it, newest first. */
    requests: z.array(keptRequest),
    /** The last 200, newest first. */
    events: z.array(event),
    /** The last 200, newest first. */
    deliveries: z.array(delivery),
    ledger: z.array(entry),
  }),
  status: 200,
  errors: [
    'payment_not_found',
    'token_not_found',
    'dispute_not_found',
    'payout_not_found',
    'service_not_found',
    'agreement_not_found',
    'agent_not_found',
    'call_not_found',
    'funding_not_found',
    'invoice_not_found',
    'receipt_not_found',
    'org_not_found',
    'listing_not_found',
    'forbidden',
  ],
  example: {
    params: { object_id: PAYMENT },
    response: {
      object_id: PAYMENT,
      request: keptRequestExample,
      requests: [keptRequestExample],
      events: [{ id: EVENT, type: 'payment.completed', created_at }],
      deliveries: [
        {
          id: 'whd_01kb3x9v7f5m2q8r4t6w0y1z3h',
          event_id: EVENT,
          type: 'payment.completed',
          webhook_id: 'wh_01kb3x9v7f5m2q8r4t6w0y1z3j',
          url: 'https://agent.example/hook',
          status: 'delivered',
          attempts: 1,
          response_status: 200,
          created_at,
        },
      ],
      ledger: [
        {
          id: 'jr_01kb3x9v7f5m2q8r4t6w0y1z3f',
          kind: 'payment',
          created_at,
          postings: [
            { account: `w:${WALLET}:avail`, side: 'debit', ...moved },
            { account: 'ext:shop', side: 'credit', ...moved },
          ],
        },
      ],
    },
  },
});
