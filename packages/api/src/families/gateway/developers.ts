import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { destinationType, payoutDestination, payoutStatus } from '../../resources/payout.js';
import { email, id, line, month, timestamp } from '../../resources/values.js';

const DEVELOPER = 'dev_01kb3x9v7f5m2q8r4t6w0y1z3p';
const params = z.object({ developer_id: id('developer') });
const status = z.enum(['pending', 'active', 'suspended']);

/** POST /developers/register */
export const register = Endpoint.from({
  summary: 'Registers a developer, who waits for approval; a sandbox may give the key at once.',
  method: 'POST',
  path: '/developers/register',
  auth: anyone,
  body: z.object({ email, name: line(textBounds.name) }),
  response: z.object({
    developer_id: z.string(),
    status,
    /** Where the sandbox approves everybody: the key, shown this once, which works at once. */
    developer_key: z.string().optional(),
  }),
  status: 200,
  example: {
    body: { email: 'dev@example.com', name: 'Dev Co' },
    response: { developer_id: DEVELOPER, status: 'pending' },
  },
});

/** GET /admin/developers */
export const list = Endpoint.from({
  summary: 'Lists developers, newest first.',
  method: 'GET',
  path: '/admin/developers',
  auth: anyOf('admin'),
  query: pageQuery.extend({ status: status.optional(), email: email.optional() }),
  response: pageOf(
    'developers',
    z.object({ id: z.string(), name: z.string(), email: z.string(), status, created_at: timestamp }),
  ),
  status: 200,
  example: {
    query: { status: 'pending' },
    response: {
      developers: [
        {
          id: DEVELOPER,
          name: 'Dev Co',
          email: 'dev@example.com',
          status: 'pending',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});

/** POST /admin/developers/{developer_id}/approve */
export const approve = Endpoint.from({
  summary: 'Lets a developer in and gives their key, shown this once; again, it gives another one.',
  method: 'POST',
  path: '/admin/developers/{developer_id}/approve',
  auth: anyOf('admin'),
  params,
  response: z.object({ status, developer_key: z.string() }),
  status: 200,
  errors: ['developer_not_found'],
  example: {
    params: { developer_id: DEVELOPER },
    response: { status: 'active', developer_key: 'dev_live_...' },
  },
});

/** POST /admin/developers/{developer_id}/suspend */
export const suspend = Endpoint.from({
  summary: 'Shuts a developer out: their keys end and their agents are no longer offered.',
  method: 'POST',
  path: '/admin/developers/{developer_id}/suspend',
  auth: anyOf('admin'),
  params,
  response: z.object({ status }),
  status: 200,
  errors: ['developer_not_found'],
  example: { params: { developer_id: DEVELOPER }, response: { status: 'suspended' } },
});

/** GET /developers/profile */
export const profile = Endpoint.from({
  summary: 'Reads the calling developer.',
  method: 'GET',
  path: '/developers/profile',
  auth: anyOf('developer'),
  response: z.object({
    id: z.string(),
    name: z.string(),
    email: z.string(),
    status,
    created_at: timestamp,
  }),
  status: 200,
  errors: ['developer_not_found'],
  example: {
    response: {
      id: DEVELOPER,
      name: 'Dev Co',
      email: 'dev@example.com',
      status: 'active',
      created_at: '2026-02-26T20:10:00Z',
    },
  },
});

/** POST /developers/rotate-key */
export const rotateKey = Endpoint.from({
  summary:
    'Gives the developer a new key, shown this once. The former one works for another day, or not at all when the reason is exposure.',
  method: 'POST',
  path: '/developers/rotate-key',
  auth: anyOf('developer'),
  body: z.object({ reason: line(textBounds.reason) }),
  response: z.object({ new_key: z.string() }),
  status: 200,
  example: { body: { reason: 'rotation' }, response: { new_key: 'dev_live_...' } },
});

/** GET /developers/dashboard */
export const dashboard = Endpoint.from({
  summary: "Says where the developer's dashboard is.",
  method: 'GET',
  path: '/developers/dashboard',
  auth: anyOf('developer'),
  response: z.object({ url: z.string() }),
  status: 200,
  example: { response: { url: 'https://pay.example.com/dev/dashboard' } },
});

/** GET /developers/earnings */
export const earnings = Endpoint.from({
  summary: 'What the developer earned in a month, fees taken off: this one unless told.',
  method: 'GET',
  path: '/developers/earnings',
  auth: anyOf('developer'),
  query: z.object({ month: month.optional() }),
  response: z.object({
    month,
    total_usdc: decimalAmount,
    /** What can be paid out now, whichever month it was earned in. */
    available_usdc: decimalAmount,
  }),
  status: 200,
  errors: ['developer_not_found'],
  example: { response: { month: '2026-02', total_usdc: '540.00', available_usdc: '540.00' } },
});

/** PUT /developers/payout-account */
export const setPayoutAccount = Endpoint.from({
  summary: 'Names the account that earnings are paid out to, now and at the end of each month.',
  method: 'PUT',
  path: '/developers/payout-account',
  auth: anyOf('developer'),
  body: z.object({ destination_type: destinationType, destination: payoutDestination }),
  response: z.object({
    destination_type: destinationType,
    /** Masked. */
    destination: z.record(z.string(), z.string()),
  }),
  status: 200,
  errors: ['developer_not_found'],
  example: {
    body: {
      destination_type: 'bank',
      destination: {
        routing_number: '021000021',
        account_number: '123456789',
        account_type: 'checking',
        account_holder: 'Dev Co',
      },
    },
    response: { destination_type: 'bank', destination: { account_number: '****6789' } },
  },
});

/** POST /developers/payout */
export const payout = Endpoint.from({
  summary: "Pays earnings out to the developer's account of that type.",
  method: 'POST',
  path: '/developers/payout',
  auth: anyOf('developer'),
  idempotent: true,
  body: z.object({ amount_usdc: positiveDecimalAmount, destination: destinationType }),
  response: z.object({ payout_id: z.string(), status: payoutStatus }),
  status: 200,
  errors: [
    'developer_not_found',
    'insufficient_funds',
    'policy_denied',
    'settlement_not_configured',
    'conflict',
  ],
  example: {
    body: { amount_usdc: '200.00', destination: 'bank' },
    response: { payout_id: 'po_01kb3x9v7f5m2q8r4t6w0y1z3n', status: 'processing' },
  },
});

/** GET /developers/payouts */
export const payouts = Endpoint.from({
  summary: "Lists the developer's payouts, newest first.",
  method: 'GET',
  path: '/developers/payouts',
  auth: anyOf('developer'),
  query: pageQuery,
  response: pageOf(
    'payouts',
    z.object({
      id: z.string(),
      status: payoutStatus,
      amount_usdc: decimalAmount,
      destination: destinationType,
      failure: z.string().nullable(),
      created_at: timestamp,
    }),
  ),
  status: 200,
  example: {
    response: {
      payouts: [
        {
          id: 'po_01kb3x9v7f5m2q8r4t6w0y1z3n',
          status: 'completed',
          amount_usdc: '200.00',
          destination: 'bank',
          failure: null,
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});
