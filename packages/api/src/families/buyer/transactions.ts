import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { posting } from '../../resources/posting.js';
import { id, line, lines, timestamp } from '../../resources/values.js';
import { complaint, complaintExample, side } from './complaint.js';
import { AGENT, ofAgent, SELLER } from './resources.js';

const auth = anyOf('session');
const ofTransaction = ofAgent.extend({ transaction_id: id('transaction') });
const TX = 'tx_01kb3x9v7f5m2q8r4t6w0y1z3e';

const transaction = z.object({
  id: z.string(),
  amount: decimalAmount,
  currency: z.string(),
  /** "x402" or "mpp". */
  rail: z.string(),
  status: z.string(),
  /** Which side the agent is on. */
  role: side,
  /** Who is paid. */
  to: z.string().nullable(),
  createdAt: timestamp,
});
const example = {
  id: TX,
  amount: '0.01',
  currency: 'USDC@base-sepolia',
  rail: 'x402',
  status: 'completed',
  role: 'payer',
  to: SELLER.toLowerCase(),
  createdAt: '2026-05-08T12:00:00Z',
};

/** What the books have of it. */
const ledger = z.array(
  z.object({
    id: z.string(),
    /** "payment", "purchase.hold". */
    kind: z.string(),
    createdAt: timestamp,
    postings: z.array(posting),
  }),
);
const traced = transaction.extend({
  fee: decimalAmount,
  refunded: decimalAmount,
  /** Under way back by another rail. */
  refunding: decimalAmount,
  description: z.string().nullable(),
  /** What the rail calls it, such as a transaction hash. */
  reference: z.string().nullable(),
  /** Why it failed. */
  failure: z.string().nullable(),
  completedAt: timestamp.nullable(),
  dispute: complaint.nullable(),
  ledger,
  /** What was told of it to webhooks and listeners. */
  events: z.array(z.object({ id: z.string(), type: z.string(), createdAt: timestamp })),
});
const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';
const moved = { asset: example.currency, amount: example.amount };
const tracedExample = {
  ...example,
  fee: '0.00',
  refunded: '0.00',
  refunding: '0.00',
  description: null,
  reference: `0x${'5a'.repeat(32)}`,
  failure: null,
  completedAt: example.createdAt,
  dispute: null,
  ledger: [
    {
      id: 'jr_01kb3x9v7f5m2q8r4t6w0y1z3f',
      kind: 'purchase.hold',
      createdAt: example.createdAt,
      postings: [
        { account: `w:${WALLET}:avail`, side: 'debit', ...moved },
        { account: `w:${WALLET}:held`, side: 'credit', ...moved },
      ],
    },
  ],
  events: [{ id: 'evt_01kb3x9v7f5m2q8r4t6w0y1z3g', type: 'payment.confirmed', createdAt: example.createdAt }],
};

/** GET /api/agents/{id}/transactions */
export const list = Endpoint.from({
  summary: 'Lists what an agent has paid and was paid, newest first.',
  method: 'GET',
  path: '/api/agents/{id}/transactions',
  auth,
  params: ofAgent,
  query: pageQuery,
  response: pageOf('transactions', transaction),
  status: 200,
  errors: ['agent_not_found'],
  example: { params: { id: AGENT }, response: { transactions: [example], total: 1 } },
});

/** GET /api/agents/{id}/transactions/{transaction_id} */
export const get = Endpoint.from({
  summary: 'Reads a payment of an agent, with its entries in the books and its events.',
  method: 'GET',
  path: '/api/agents/{id}/transactions/{transaction_id}',
  auth,
  params: ofTransaction,
  response: traced,
  status: 200,
  errors: ['agent_not_found', 'payment_not_found'],
  example: { params: { id: AGENT, transaction_id: TX }, response: tracedExample },
});

/** POST /api/agents/{id}/transactions/{transaction_id}/refund */
export const refund = Endpoint.from({
  summary: 'Gives money of a payment that an agent received back, whole or in part; the fee is kept.',
  method: 'POST',
  path: '/api/agents/{id}/transactions/{transaction_id}/refund',
  auth,
  idempotent: true,
  params: ofTransaction,
  body: z.object({
    /** What is left of the payment when absent. */
    amount: positiveDecimalAmount.optional(),
    reason: line(textBounds.description).optional(),
    idempotency_key: line(textBounds.idempotencyKey).optional(),
  }),
  response: traced,
  status: 200,
  errors: [
    'agent_not_found',
    'payment_not_found',
    'forbidden',
    'payment_wrong_state',
    'insufficient_funds',
    'settlement_not_configured',
  ],
  example: {
    params: { id: AGENT, transaction_id: TX },
    body: { amount: '0.01', reason: 'Out of stock' },
    response: { ...tracedExample, role: 'payee', refunded: '0.01', status: 'refunded' },
  },
});

/** POST /api/agents/{id}/transactions/{transaction_id}/dispute */
export const dispute = Endpoint.from({
  summary: 'Opens the one dispute about a completed payment that an agent made or received.',
  method: 'POST',
  path: '/api/agents/{id}/transactions/{transaction_id}/dispute',
  auth,
  idempotent: true,
  params: ofTransaction,
  body: z.object({
    reason: line(textBounds.reason),
    description: lines(textBounds.description).optional(),
    idempotency_key: line(textBounds.idempotencyKey).optional(),
  }),
  response: traced,
  status: 201,
  errors: [
    'agent_not_found',
    'payment_not_found',
    'payment_wrong_state',
    'dispute_window_closed',
    'duplicate_dispute',
  ],
  example: {
    params: { id: AGENT, transaction_id: TX },
    body: { reason: 'service_not_delivered', description: 'The data never came' },
    response: {
      ...tracedExample,
      dispute: complaintExample,
    },
  },
});
