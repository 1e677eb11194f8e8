import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount, positiveAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { destinationType, payoutDestination, payoutStatus } from '../../resources/payout.js';
import { id, line, timestamp } from '../../resources/values.js';

const PAYOUT = 'payout_01kb3x9v7f5m2q8r4t6w0y1z3n';
const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';
const params = z.object({ payout_id: id('payout') });

/** A calendar day in UTC. */
const day = z.codec(z.iso.date(), z.date(), {
  decode: (wire) => new Date(wire),
  encode: (date) => date.toISOString().slice(0, 10),
});

const payout = z.object({
  id: z.string(),
  status: payoutStatus,
  amount,
  currency: z.string(),
  destination_type: destinationType,
  /** Masked. */
  destination: z.record(z.string(), z.string()),
  from_wallet_id: z.string(),
  description: z.string().nullable(),
  /** What the way out calls it, such as a transaction hash. */
  reference: z.string().nullable(),
  /** Why it failed or came back. */
  failure: z.string().nullable(),
  estimated_arrival: day,
  created_at: timestamp,
  ended_at: timestamp.nullable(),
});

/** What waits for the owner instead: the same payout passes with the approval, once that is given. */
const waiting = z.object({
  status: z.literal('pending_approval'),
  approval_id: z.string(),
  amount,
  currency: z.string(),
  /** Until when it is decided. */
  expires_at: timestamp,
});

const example = {
  id: PAYOUT,
  status: 'pending',
  amount: 250,
  currency: 'USD',
  destination_type: 'bank',
  destination: {
    routing_number: '****0021',
    account_number: '****6789',
    account_type: 'checking',
    account_holder: 'Acme Inc',
  },
  from_wallet_id: WALLET,
  description: 'Weekly payout',
  reference: null,
  failure: null,
  estimated_arrival: '2026-05-10',
  created_at: '2026-05-08T12:00:00Z',
  ended_at: null,
};

/** POST /v1/payouts */
export const create = Endpoint.from({
  summary: 'Sends money of a wallet to a bank account, an address on a chain, or a connected Stripe account.',
  method: 'POST',
  path: '/v1/payouts',
  auth: anyOf('agent'),
  tool: { description: 'Set idempotency_key, so that a repeated call pays out once.' },
  idempotent: 'itself',
  body: z.object({
    from_wallet_id: id('wallet'),
    amount: positiveAmount,
    destination_type: destinationType,
    destination: payoutDestination,
    description: line(textBounds.description).optional(),
    idempotency_key: line(textBounds.idempotencyKey).optional(),
    /** An approval that was given, as the response with 202 names it; under the same idempotency key it may be left out. */
    approval_id: id('approval').optional(),
  }),
  response: payout,
  waiting,
  status: 201,
  errors: [
    'wallet_not_found',
    'settlement_not_configured',
    'policy_denied',
    'approval_not_found',
    'insufficient_funds',
    'conflict',
  ],
  example: {
    body: {
      from_wallet_id: WALLET,
      amount: 250,
      destination_type: 'bank',
      destination: {
        routing_number: '021000021',
        account_number: '123456789',
        account_type: 'checking',
        account_holder: 'Acme Inc',
      },
      description: 'Weekly payout',
    },
    response: example,
  },
});

/** GET /v1/payouts */
export const list = Endpoint.from({
  summary: "Lists the agent's payouts, newest first.",
  method: 'GET',
  path: '/v1/payouts',
  auth: anyOf('agent'),
  tool: {},
  query: pageQuery.extend({ status: payoutStatus.optional() }),
  response: pageOf('payouts', payout),
  status: 200,
  example: { query: { status: 'pending' }, response: { payouts: [example], total: 1 } },
});

/** GET /v1/payouts/{payout_id} */
export const get = Endpoint.from({
  summary: 'Reads a payout.',
  method: 'GET',
  path: '/v1/payouts/{payout_id}',
  auth: anyOf('agent'),
  tool: {},
  params,
  response: payout,
  status: 200,
  errors: ['payout_not_found'],
  example: { params: { payout_id: PAYOUT }, response: example },
});

/** POST /v1/payouts/{payout_id}/cancel */
export const cancel = Endpoint.from({
  summary: 'Takes a payout back before anybody has begun to send it.',
  method: 'POST',
  path: '/v1/payouts/{payout_id}/cancel',
  auth: anyOf('agent'),
  tool: { destructive: false },
  params,
  response: payout,
  status: 200,
  errors: ['payout_not_found', 'payout_wrong_state'],
  example: {
    params: { payout_id: PAYOUT },
    response: { ...example, status: 'canceled', ended_at: '2026-05-08T12:00:01Z' },
  },
});
