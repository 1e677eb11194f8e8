import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';

/** GET /usage/forecast */
export const get = Endpoint.from({
  summary:
    'Foretells what the developer and the organizations that they pay for will spend in the next 30 days.',
  method: 'GET',
  path: '/usage/forecast',
  auth: anyOf('developer'),
  response: z.object({
    next_30_days_usdc: decimalAmount,
    /** Usage of the last 30 days (of all days since the first, where there are fewer, but at least one), scaled to 30. */
    usage_usdc: decimalAmount,
    /** Months of subscriptions that begin within the next 30 days. */
    subscriptions_usdc: decimalAmount,
  }),
  status: 200,
  example: {
    response: { next_30_days_usdc: '420.00', usage_usdc: '275.00', subscriptions_usdc: '145.00' },
  },
});
