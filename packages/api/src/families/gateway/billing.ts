import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { id } from '../../resources/values.js';

const AUTHORIZATION = 'auth_01kb3x9v7f5m2q8r4t6w0y1z3m';

/** POST /billing/complete */
export const complete = Endpoint.from({
  summary:
    'Takes what was used of an authorization, once; the rest returns to its payer. The same gateway again gets the same receipt.',
  method: 'POST',
  path: '/billing/complete',
  auth: anyOf('gateway'),
  body: z.object({
    authorization_id: id('authorization'),
    /** What was served, as the gateway counts it. */
    usage: z.record(z.string().max(60), z.number()),
    /** What it costs; all of the authorization without it. */
    amount_usdc: positiveDecimalAmount.optional(),
    /** The agent that served, whose developer is paid; without it the gateway is. */
    agent_id: id('listing').optional(),
  }),
  response: z.object({
    receipt_id: z.string(),
    status: z.enum(['authorized', 'settled', 'voided', 'expired']),
    amount_usdc: decimalAmount,
  }),
  status: 200,
  errors: ['authorization_not_found', 'authorization_wrong_state', 'listing_not_found', 'wallet_not_found'],
  example: {
    body: { authorization_id: AUTHORIZATION, usage: { tokens: 1234 } },
    response: {
      receipt_id: 'rcpt_01kb3x9v7f5m2q8r4t6w0y1z3k',
      status: 'settled',
      amount_usdc: '12.00',
    },
  },
});
