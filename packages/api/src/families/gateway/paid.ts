import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { positiveDecimalAmount } from '../../resources/amount.js';
import { line, timestamp } from '../../resources/values.js';

/** POST /gateway/fund/x402 */
export const fund = Endpoint.from({
  summary:
    'Brings money to a gateway by x402: without a proof 402 with offers for the amount; with one, as ' +
    '"Authorization: x402 usdc <payload>" or in any header of x402 and MPP, it is the money of the gateway of X-Gateway-Key, or else of ' +
    'the payer.',
  method: 'POST',
  path: '/gateway/fund/x402',
  auth: anyone,
  optionalAuth: ['gateway'],
  body: z.object({ amount_usdc: positiveDecimalAmount }),
  response: z.object({ funding_id: z.string(), status: z.enum(['processing', 'settled', 'failed']) }),
  status: 200,
  errors: ['payment_required', 'settlement_not_configured'],
  example: {
    body: { amount_usdc: '100.00' },
    response: { funding_id: 'fund_01kb3x9v7f5m2q8r4t6w0y1z3x', status: 'settled' },
  },
});

/** POST /billing/authorize */
export const authorize = Endpoint.from({
  summary:
    'Holds money of a payer by x402 until a gateway completes the authorization, or its time is over. Only the gateway of X-Gateway-Key ' +
    "may; without it the one that the payer's address is bound to, by POST /gateway/addresses at the latest.",
  method: 'POST',
  path: '/billing/authorize',
  auth: anyone,
  optionalAuth: ['gateway'],
  body: z.object({ amount_usdc: positiveDecimalAmount, memo: line(textBounds.memo) }),
  response: z.object({
    authorization_id: z.string(),
    status: z.enum(['authorized', 'settled', 'voided', 'expired']),
    /** From then on nobody can complete it, and the money is the payer's again. */
    expires_at: timestamp,
  }),
  status: 200,
  errors: ['payment_required', 'settlement_not_configured'],
  example: {
    body: { amount_usdc: '12.00', memo: 'agent call' },
    response: {
      authorization_id: 'auth_01kb3x9v7f5m2q8r4t6w0y1z3m',
      status: 'authorized',
      expires_at: '2026-02-27T20:10:00Z',
    },
  },
});
