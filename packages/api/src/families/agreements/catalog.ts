import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { cursor, pageOf } from '../../resources/page.js';
import { currency, line, whole } from '../../resources/values.js';
import { create } from '../runtime/services.js';
import { SELLER, SERVICE } from './resources.js';

/** POST /agents/services */
export const register = Endpoint.from({
  summary: 'Registers a service in the catalogue; the calling agent becomes its seller.',
  method: 'POST',
  path: '/agents/services',
  auth: anyOf('agent', 'agentKey'),
  body: create.body,
  response: z.object({
    service_id: z.string(),
    slug: z.string(),
    status: z.string(),
    trust_score: z.number(),
  }),
  status: 201,
  errors: create.errors,
  example: {
    body: create.example.body ?? {},
    response: { service_id: SERVICE, slug: 'weatherapi', status: 'active', trust_score: 50 },
  },
});

const found = z.object({
  service_id: z.string(),
  name: z.string(),
  slug: z.string(),
  description: z.string().nullable(),
  category: z.string().nullable(),
  price_per_call: decimalAmount,
  currency: z.string(),
  seller_agent_id: z.string(),
  trust_score: z.number(),
  verified: z.boolean(),
  sla_seconds: z.number().nullable(),
  /** How well it answers the query; of use only beside those of the same response. */
  relevance: z.number(),
});

/** POST /catalog/search */
export const search = Endpoint.from({
  summary:
    'Looks for services by words, category, price and trust; the best answers of trusted sellers first.',
  method: 'POST',
  path: '/catalog/search',
  auth: anyOf('agent', 'agentKey', 'session', 'developer', 'admin'),
  tool: { readOnly: true, description: 'Use it to find a service to agree on.' },
  body: z.object({
    query: z.string({ error: 'must be text' }).max(200, 'must have at most 200 characters').default(''),
    category: line(textBounds.category).optional(),
    /** The most that a call may cost. */
    max_price: positiveDecimalAmount.optional(),
    currency: currency.optional(),
    min_trust: whole(0, 100).optional(),
    verified: z.boolean({ error: 'must be true or false' }).optional(),
    limit: whole(1, numberBounds.pageLimit).default(numberBounds.pageSize),
    offset: whole(0, numberBounds.pageOffset).default(0),
    cursor,
  }),
  response: pageOf('services', found),
  status: 200,
  example: {
    body: { query: 'weather', max_price: '0.01' },
    response: {
      services: [
        {
          service_id: SERVICE,
          name: 'WeatherAPI',
          slug: 'weatherapi',
          description: 'Real-time weather data per query',
          category: 'data',
          price_per_call: '0.002',
          currency: 'USD',
          seller_agent_id: SELLER,
          trust_score: 84,
          verified: true,
          sla_seconds: 30,
          relevance: 1.6,
        },
      ],
      total: 1,
    },
  },
});
