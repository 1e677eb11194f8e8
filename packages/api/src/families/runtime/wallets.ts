import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount, positiveAmount } from '../../resources/amount.js';
import { id, line } from '../../resources/values.js';

const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';
const params = z.object({ wallet_id: id('wallet') });

/** POST /v1/wallets/{wallet_id}/fund */
export const fund = Endpoint.from({
  summary: 'Adds sandbox money from the test faucet.',
  method: 'POST',
  path: '/v1/wallets/{wallet_id}/fund',
  auth: anyOf('agent'),
  tool: { description: 'Sandbox only: the source is test_faucet.', destructive: false },
  idempotent: true,
  params,
  body: z.object({
    amount: positiveAmount,
    source: line(textBounds.fundingSource),
    idempotency_key: line(textBounds.idempotencyKey).optional(),
  }),
  response: z.object({
    wallet_id: z.string(),
    balance: amount,
    available: amount,
    currency: z.string(),
    transaction_id: z.string(),
  }),
  status: 200,
  errors: ['wallet_not_found', 'funding_source_unknown', 'funding_refused', 'conflict'],
  example: {
    params: { wallet_id: WALLET },
    body: { amount: 100, source: 'test_faucet' },
    response: {
      wallet_id: WALLET,
      balance: 100,
      available: 100,
      currency: 'USD',
      transaction_id: 'tx_01kb3x9v7f5m2q8r4t6w0y1z3c',
    },
  },
});

/** GET /v1/wallets/{wallet_id}/balance */
export const balance = Endpoint.from({
  summary: 'Reads a wallet: `balance` is what is available plus what is held for open tokens.',
  method: 'GET',
  path: '/v1/wallets/{wallet_id}/balance',
  auth: anyOf('agent'),
  tool: { description: 'Use it before paying and to tell the operator what is left.' },
  params,
  response: z.object({
    wallet_id: z.string(),
    balance: amount,
    available: amount,
    held: amount,
    currency: z.string(),
  }),
  status: 200,
  errors: ['wallet_not_found'],
  example: {
    params: { wallet_id: WALLET },
    response: { wallet_id: WALLET, balance: 100, available: 100, held: 0, currency: 'USD' },
  },
});
