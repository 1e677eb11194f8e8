import * as z from 'zod';
import { amount } from './amount.js';

/** A service as lists show it. */
export const serviceSummary = z.object({
  id: z.string(),
  name: z.string(),
  slug: z.string(),
  price_per_call: amount,
  currency: z.string(),
  category: z.string().nullable(),
  trust_score: z.number(),
  verified: z.boolean(),
  status: z.string(),
});

/** A {@link serviceSummary} on the wire. */
export const summaryExample = {
  id: 'svc_01kb3x9v7f5m2q8r4t6w0y1z3d',
  name: 'MarketDataFeed',
  slug: 'marketdatafeed',
  price_per_call: 0.005,
  currency: 'USD',
  category: 'data',
  trust_score: 84,
  verified: true,
  status: 'active',
};

/** A service in full. */
export const service = serviceSummary.extend({
  description: z.string().nullable(),
  endpoint_url: z.string().nullable(),
  /** Whether that address has said that it sells this service. */
  endpoint_proven: z.boolean(),
  /** Whether it asks the listed price; null when that is not known. */
  price_matches: z.boolean().nullable(),
  /** What the provider promises; without it the default window of the platform holds. */
  sla: z.object({ max_completion_seconds: z.number() }).nullable(),
});

/** A {@link service} on the wire. */
export const serviceExample = {
  ...summaryExample,
  description: null,
  endpoint_url: 'https://api.example.com/feed',
  endpoint_proven: true,
  price_matches: true,
  sla: { max_completion_seconds: 30 },
};
