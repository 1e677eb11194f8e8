import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { id, timestamp } from '../../resources/values.js';
import { address, AGENT, ofAgent, SELLER } from './resources.js';

const auth = anyOf('session');
const WITHDRAWAL = 'wdr_01kb3x9v7f5m2q8r4t6w0y1z3w';
const params = ofAgent.extend({ withdrawal_id: id('withdrawal') });

const withdrawal = z.object({
  id: z.string(),
  /** "requested" until it is confirmed, or "expired"; then "pending", until the chain shows that it is "completed" or "failed". */
  status: z.enum(['requested', 'expired', 'pending', 'completed', 'failed']),
  to: z.string(),
  /** In units of the asset. */
  amount: decimalAmount,
  asset: z.string(),
  /** CAIP-2 id. */
  network: z.string(),
  txHash: z.string().nullable(),
  explorer: z.string().nullable(),
  createdAt: timestamp,
  /** Until when it may be confirmed. */
  expiresAt: timestamp,
});
const example = {
  id: WITHDRAWAL,
  status: 'requested',
  to: SELLER.toLowerCase(),
  amount: '12.50',
  asset: 'USDC',
  network: 'eip155:84532',
  txHash: null,
  explorer: null,
  createdAt: '2026-05-08T12:00:00Z',
  expiresAt: '2026-05-08T12:10:00Z',
};
const TX_HASH = `0x${'ab'.repeat(32)}`;
const sent = {
  ...example,
  status: 'completed',
  txHash: TX_HASH,
  explorer: `https://sepolia.basescan.org/tx/${TX_HASH}`,
};

/** POST /api/agents/{id}/withdrawals */
export const create = Endpoint.from({
  summary: "Prepares to send money of an agent's wallet to an address; nothing moves before it is confirmed.",
  method: 'POST',
  path: '/api/agents/{id}/withdrawals',
  auth,
  params: ofAgent,
  body: z.object({
    to: address,
    /** All that no payment holds when absent. */
    amount: positiveDecimalAmount.optional(),
  }),
  response: withdrawal,
  status: 201,
  errors: ['agent_not_found', 'wallet_not_found', 'insufficient_funds', 'settlement_not_configured'],
  example: { params: { id: AGENT }, body: { to: SELLER, amount: '12.50' }, response: example },
});

/** GET /api/agents/{id}/withdrawals/{withdrawal_id} */
export const get = Endpoint.from({
  summary: 'Reads a withdrawal.',
  method: 'GET',
  path: '/api/agents/{id}/withdrawals/{withdrawal_id}',
  auth,
  params,
  response: withdrawal,
  status: 200,
  errors: ['agent_not_found', 'withdrawal_not_found'],
  example: { params: { id: AGENT, withdrawal_id: WITHDRAWAL }, response: sent },
});

/** POST /api/agents/{id}/withdrawals/{withdrawal_id}/confirm */
export const confirm = Endpoint.from({
  summary: 'Sends what was prepared, once, however often it is confirmed.',
  method: 'POST',
  path: '/api/agents/{id}/withdrawals/{withdrawal_id}/confirm',
  auth,
  params,
  response: withdrawal,
  status: 200,
  errors: [
    'agent_not_found',
    'withdrawal_not_found',
    'insufficient_funds',
    'policy_denied',
    'payment_in_progress',
    'payment_wrong_state',
    'settlement_not_configured',
  ],
  example: { params: { id: AGENT, withdrawal_id: WITHDRAWAL }, response: sent },
});
