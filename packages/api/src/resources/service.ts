import { z } from 'zod';
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

/** A service in full. */
export const service = serviceSummary.extend({
  description: z.string().nullable(),
  endpoint_url: z.string().nullable(),
  /** What the provider promises; without it the default window of the platform holds. */
  sla: z.object({ max_completion_seconds: z.number() }).nullable(),
});
