import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount, positiveAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { currency, id, line, timestamp } from '../../resources/values.js';

const PAYMENT = 'tx_01kb3x9v7f5m2q8r4t6w0y1z3c';
const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';
const params = z.object({ payment_id: id('transaction') });
const statuses = [
  'pending',
  'authorized',
  'submitted',
  'settling',
  'completed',
  'failed',
  'refunded',
  'expired',
] as const;

const payment = z.object({
  id: z.string(),
  /** What the payee is paid; for a call that was paid by token the gross, of which the fee is a part. */
  amount,
  fee: amount,
  /** What left the wallet of the payer. */
  total_debited: amount,
  currency: z.string(),
  rail: z.string(),
  status: z.enum(statuses),
  from_wallet_id: z.string(),
  to_wallet_id: z.string().nullable(),
  to_external: z.string().nullable(),
  description: z.string().nullable(),
  service_id: z.string().nullable(),
  refunded_amount: amount,
  /** Under way back by another rail. */
  refunding_amount: amount,
  /** What the rail calls it, such as a transaction hash. */
  reference: z.string().nullable(),
  /** Why it failed. */
  failure: z.string().nullable(),
  created_at: timestamp,
  completed_at: timestamp.nullable(),
});

const example = {
  id: PAYMENT,
  amount: 5,
  fee: 0.02,
  total_debited: 5.02,
  currency: 'USD',
  rail: 'internal',
  status: 'completed',
  from_wallet_id: WALLET,
  to_wallet_id: null,
  to_external: 'merchant:demo',
  description: 'Market data query',
  service_id: null,
  refunded_amount: 0,
  refunding_amount: 0,
  reference: null,
  failure: null,
  created_at: '2026-05-08T13:00:00Z',
  completed_at: '2026-05-08T13:00:00Z',
};

/** POST /v1/payments */
export const create = Endpoint.from({
  summary: 'Pays from a wallet of the caller, to a wallet or to an external payee.',
  method: 'POST',
  path: '/v1/payments',
  auth: anyOf('agent'),
  tool: { description: 'Set idempotency_key, so that a repeated call pays once.' },
  idempotent: 'itself',
  body: z.object({
    from_wallet_id: id('wallet'),
    to_wallet_id: id('wallet').optional(),
    /** Label of a payee who is not on the platform; for the rail base-usdc an address, for stripe a connected account. */
    to_external: line(textBounds.externalPayee).optional(),
    amount: positiveAmount,
    currency: currency.optional(),
    /** `internal`, `base-usdc` or `stripe`. */
    rail: line(textBounds.rail).default('internal'),
    description: line(textBounds.description).optional(),
    idempotency_key: line(textBounds.idempotencyKey).optional(),
    /** An approval that was given, as a refusal for `approval_required` names it; under the same idempotency key it may be left out. */
    approval_id: id('approval').optional(),
  }),
  response: payment,
  status: 201,
  errors: [
    'wallet_not_found',
    'insufficient_funds',
    'currency_mismatch',
    'policy_denied',
    'approval_not_found',
    'settlement_not_configured',
    'conflict',
  ],
  example: {
    body: {
      from_wallet_id: WALLET,
      to_external: 'merchant:demo',
      amount: 5,
      currency: 'USD',
      rail: 'internal',
      description: 'Market data query',
      idempotency_key: 'order-001',
    },
    response: example,
  },
});

/** GET /v1/payments/{payment_id} */
export const get = Endpoint.from({
  summary: 'Reads the receipt of a payment that the caller made or received.',
  method: 'GET',
  path: '/v1/payments/{payment_id}',
  auth: anyOf('agent', 'admin'),
  tool: {},
  params,
  response: payment,
  status: 200,
  errors: ['payment_not_found'],
  example: { params: { payment_id: PAYMENT }, response: example },
});

/** GET /v1/payments */
export const list = Endpoint.from({
  summary: 'Lists the payments that the caller made or received, newest first.',
  method: 'GET',
  path: '/v1/payments',
  auth: anyOf('agent'),
  tool: {},
  query: pageQuery.extend({
    status: z.enum(statuses).optional(),
    rail: line(textBounds.rail).optional(),
    created_after: timestamp.optional(),
    created_before: timestamp.optional(),
  }),
  response: pageOf('payments', payment),
  status: 200,
  example: { response: { payments: [example], total: 1 } },
});

/** POST /v1/payments/{payment_id}/refund */
export const refund = Endpoint.from({
  summary:
    'Gives money of a payment back, whole or in part. For the payee and the operator; the fee is kept.',
  method: 'POST',
  path: '/v1/payments/{payment_id}/refund',
  auth: anyOf('agent', 'admin'),
  tool: {},
  idempotent: true,
  params,
  body: z.object({
    /** What is left of the payment when absent. */
    amount: positiveAmount.optional(),
    reason: line(textBounds.description).optional(),
    /** Of a payment by base-usdc: an address that gets USDC, in place of the payer's wallet. */
    to_external: line(textBounds.externalPayee).optional(),
    idempotency_key: line(textBounds.idempotencyKey).optional(),
  }),
  response: payment,
  status: 200,
  errors: [
    'payment_not_found',
    'forbidden',
    'payment_wrong_state',
    'insufficient_funds',
    'settlement_not_configured',
  ],
  example: {
    params: { payment_id: PAYMENT },
    body: { amount: 2, reason: 'Out of stock' },
    response: { ...example, refunded_amount: 2 },
  },
});
