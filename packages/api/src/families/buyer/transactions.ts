import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, timestamp } from '../../resources/values.js';
import { AGENT, ofAgent, SELLER } from './resources.js';

const auth = anyOf('session');
const TX = 'tx_01kb3x9v7f5m2q8r4t6w0y1z3e';

const transaction = z.object({
  id: z.string(),
  amount: decimalAmount,
  currency: z.string(),
  /** "x402" or "mpp". */
  rail: z.string(),
  status: z.string(),
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
  to: SELLER.toLowerCase(),
  createdAt: '2026-05-08T12:00:00Z',
};

/** GET /api/agents/{id}/transactions */
export const list = Endpoint.from({
  summary: 'Lists what an agent has paid, newest first.',
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
  summary: 'Reads a payment of an agent.',
  method: 'GET',
  path: '/api/agents/{id}/transactions/{transaction_id}',
  auth,
  params: ofAgent.extend({ transaction_id: id('transaction') }),
  response: transaction,
  status: 200,
  errors: ['agent_not_found', 'payment_not_found'],
  example: { params: { id: AGENT, transaction_id: TX }, response: example },
});
