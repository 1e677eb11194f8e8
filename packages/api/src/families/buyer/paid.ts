import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';

/** GET /api/demo/seller */
export const demoSeller = Endpoint.from({
  summary:
    'Sells mock market data for $0.01, to try buying on: without a proof 402 with offers in x402 and MPP, of one of them alone with ' +
    '`protocol`; with one, in a header of either, the data.',
  method: 'GET',
  path: '/api/demo/seller',
  auth: anyone,
  query: z.object({ protocol: z.enum(['x402', 'mpp']).optional() }),
  response: z.object({
    symbol: z.string(),
    price: z.string(),
    source: z.string(),
    /** That nobody should trade on it. */
    mock: z.literal(true),
  }),
  status: 200,
  errors: ['payment_required', 'settlement_not_configured'],
  example: {
    query: { protocol: 'x402' },
    response: { symbol: 'ETH/USD', price: '3142.50', source: 'AgentPay demo seller', mock: true },
  },
});
