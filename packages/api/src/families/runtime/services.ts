import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount, positiveAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { service, serviceExample, serviceSummary, summaryExample } from '../../resources/service.js';
import { currency, flag, httpUrl, id, line, timestamp } from '../../resources/values.js';

const SERVICE = summaryExample.id;
const params = z.object({ service_id: id('service') });

/** GET /v1/services */
export const list = Endpoint.from({
  summary: 'Lists services; a response may be five seconds old.',
  method: 'GET',
  path: '/v1/services',
  auth: anyOf('agent'),
  tool: { description: 'Use it to find something that can be bought.' },
  query: pageQuery.extend({ category: line(textBounds.category).optional(), verified: flag.optional() }),
  response: pageOf('services', serviceSummary),
  status: 200,
  example: {
    query: { category: 'data', verified: 'true' },
    response: { services: [summaryExample], total: 1 },
  },
});

/** POST /v1/services */
export const create = Endpoint.from({
  summary: 'Registers a service; the calling agent becomes its provider.',
  method: 'POST',
  path: '/v1/services',
  auth: anyOf('agent'),
  tool: { destructive: false },
  body: z.object({
    name: line(textBounds.name).regex(
      /[a-z0-9]/i,
      'must have a letter or a digit of ASCII, from which the slug is made',
    ),
    description: line(textBounds.description).optional(),
    price_per_call: positiveAmount,
    currency: currency.default('USD'),
    category: line(textBounds.category).optional(),
    endpoint_url: httpUrl.optional(),
    sla: z.object({ max_completion_seconds: z.int().min(1).max(numberBounds.slaSeconds) }).optional(),
  }),
  response: z.object({ id: z.string(), slug: z.string(), status: z.string(), trust_score: z.number() }),
  status: 201,
  errors: ['service_name_taken', 'currency_mismatch'],
  example: {
    body: {
      name: 'WeatherAPI',
      description: 'Real-time weather data per query',
      price_per_call: 0.002,
      currency: 'USD',
      category: 'data',
      endpoint_url: 'https://api.example.com/weather',
      sla: { max_completion_seconds: 30 },
    },
    response: { id: SERVICE, slug: 'weatherapi', status: 'active', trust_score: 50 },
  },
});

/** GET /v1/services/{service_id} */
export const get = Endpoint.from({
  summary: 'Reads a service.',
  method: 'GET',
  path: '/v1/services/{service_id}',
  auth: anyOf('agent'),
  tool: {},
  params,
  response: service,
  status: 200,
  errors: ['service_not_found'],
  example: {
    params: { service_id: SERVICE },
    response: serviceExample,
  },
});

/** POST /v1/services/{service_id}/verification */
export const verifyProvider = Endpoint.from({
  summary: 'Marks the provider of a service as verified by the operator, or takes the mark back.',
  method: 'POST',
  path: '/v1/services/{service_id}/verification',
  auth: anyOf('admin'),
  params,
  body: z.object({ verified: z.boolean({ error: 'must be true or false' }).default(true) }),
  response: z.object({ id: z.string(), verified: z.boolean() }),
  status: 200,
  errors: ['service_not_found'],
  example: { params: { service_id: SERVICE }, response: { id: SERVICE, verified: true } },
});

/** POST /v1/services/{service_id}/endpoint-check */
export const checkEndpoint = Endpoint.from({
  summary:
    'Looks at the address of a service now: whether it says that it sells the service, and what it asks. For the provider.',
  method: 'POST',
  path: '/v1/services/{service_id}/endpoint-check',
  auth: anyOf('agent'),
  tool: { destructive: false },
  params,
  response: z.object({
    service_id: z.string(),
    /** Whether the address has said that it sells this service. */
    proven: z.boolean(),
    proven_at: timestamp.nullable(),
    /** Serve the text there, on a line of its own, to prove the address; a 402 that offers tokens of this service does as well. */
    verification: z.object({ url: z.string(), text: z.string() }),
    listed_price: amount,
    /** What the address asks; null when that is not known. */
    endpoint_price: amount.nullable(),
    /** Null when the price of the address is not known. */
    price_matches: z.boolean().nullable(),
  }),
  status: 200,
  errors: ['service_not_found'],
  example: {
    params: { service_id: SERVICE },
    response: {
      service_id: SERVICE,
      proven: true,
      proven_at: '2026-05-08T13:00:00Z',
      verification: {
        url: 'https://api.example.com/.well-known/agentpay-verification',
        text: 'agentpay-0123456789abcdef0123456789abcdef01234567',
      },
      listed_price: 0.005,
      endpoint_price: 0.005,
      price_matches: true,
    },
  },
});

/** GET /v1/services/{service_id}/sla */
export const sla = Endpoint.from({
  summary: 'Reports how a service kept its SLA over the last 30 days.',
  method: 'GET',
  path: '/v1/services/{service_id}/sla',
  auth: anyOf('agent'),
  tool: {},
  params,
  response: z.object({
    service_id: z.string(),
    /** The promise: seconds from call-started to call-completed. */
    max_completion_seconds: z.number(),
    from: timestamp,
    to: timestamp,
    calls: z.object({ settled: z.number(), breached: z.number(), failed: z.number() }),
    /** Settled of those that were settled or breached, 0 to 1; null without any. */
    compliance: z.number().nullable(),
    /** From call-started to call-completed; null without a settled call. */
    completion_seconds: z.object({ p50: z.number(), p95: z.number(), max: z.number() }).nullable(),
  }),
  status: 200,
  errors: ['service_not_found'],
  example: {
    params: { service_id: SERVICE },
    response: {
      service_id: SERVICE,
      max_completion_seconds: 30,
      from: '2026-04-08T13:00:00Z',
      to: '2026-05-08T13:00:00Z',
      calls: { settled: 98, breached: 2, failed: 1 },
      compliance: 0.98,
      completion_seconds: { p50: 0.4, p95: 2.1, max: 12.5 },
    },
  },
});

/** POST /v1/services/{service_id}/authorize */
export const authorize = Endpoint.from({
  summary: 'Reserves the price of one call and gives a signed token that pays for it.',
  method: 'POST',
  path: '/v1/services/{service_id}/authorize',
  auth: anyOf('agent'),
  tool: {
    description:
      'The token goes to the provider in the header X-Payment-Token; set max_amount to what the call is worth at most.',
  },
  rate: 'lifecycle',
  params,
  body: z.object({
    from_wallet_id: id('wallet'),
    max_amount: positiveAmount.optional(),
    approval_id: id('approval').optional(),
  }),
  response: z.object({
    token: z.string(),
    token_id: z.string(),
    expires_at: timestamp,
    service_id: z.string(),
    reserved_amount: amount,
  }),
  status: 201,
  errors: [
    'service_not_found',
    'service_not_active',
    'wallet_not_found',
    'currency_mismatch',
    'price_above_limit',
    'insufficient_funds',
    'policy_denied',
    'approval_not_found',
    'conflict',
  ],
  example: {
    params: { service_id: SERVICE },
    body: { from_wallet_id: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b' },
    response: {
      token: 'x402_tok_...',
      token_id: 'tokid_01kb3x9v7f5m2q8r4t6w0y1z3e',
      expires_at: '2026-05-08T13:05:00Z',
      service_id: SERVICE,
      reserved_amount: 0.005,
    },
  },
});
