import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';

/** GET /marketplace/regions */
export const regions = Endpoint.from({
  summary: 'Lists where agents can say that they run.',
  method: 'GET',
  path: '/marketplace/regions',
  auth: anyone,
  response: z.object({ regions: z.array(z.string()) }),
  status: 200,
  example: { response: { regions: ['us-east', 'eu-west'] } },
});

/** GET /marketplace/revenue-rules */
export const revenueRules = Endpoint.from({
  summary: 'What the marketplace keeps of what developers earn, and when it pays them out.',
  method: 'GET',
  path: '/marketplace/revenue-rules',
  auth: anyone,
  response: z.object({ platform_fee_pct: z.number(), payout_schedule: z.literal('monthly') }),
  status: 200,
  example: { response: { platform_fee_pct: 5, payout_schedule: 'monthly' } },
});

/** GET /marketplace/certifications */
export const certifications = Endpoint.from({
  summary: 'Lists what the operator certifies.',
  method: 'GET',
  path: '/marketplace/certifications',
  auth: anyone,
  response: z.object({ certifications: z.array(z.string()) }),
  status: 200,
  example: { response: { certifications: ['SOC2', 'ISO27001'] } },
});
