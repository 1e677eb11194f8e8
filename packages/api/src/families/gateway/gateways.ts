import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { LISTING, listingExample, listingSummary } from '../../resources/listing.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { httpUrl, id, line, month, timestamp } from '../../resources/values.js';

const GATEWAY = 'gw_01kb3x9v7f5m2q8r4t6w0y1z3u';

/** POST /admin/gateways */
export const create = Endpoint.from({
  summary: 'Makes a gateway and gives its first key, shown this once. It may belong to an organization.',
  method: 'POST',
  path: '/admin/gateways',
  auth: anyOf('admin'),
  body: z.object({ name: line(textBounds.name), org_id: id('org').optional() }),
  response: z.object({ gateway_id: z.string(), gateway_key: z.string() }),
  status: 201,
  errors: ['org_not_found'],
  example: {
    body: { name: 'Acme Gateway' },
    response: { gateway_id: GATEWAY, gateway_key: 'gw_live_...' },
  },
});

/** GET /admin/gateways */
export const list = Endpoint.from({
  summary: 'Lists gateways, newest first.',
  method: 'GET',
  path: '/admin/gateways',
  auth: anyOf('admin'),
  query: pageQuery.extend({
    org_id: id('org').optional(),
    name: line(textBounds.name).optional(),
    /** `address`: those that hold what addresses have paid without a gateway key, named by the address. */
    kind: z.enum(['keyed', 'address']).optional(),
  }),
  response: pageOf(
    'gateways',
    z.object({
      id: z.string(),
      name: z.string(),
      org_id: z.string().nullable(),
      callback_url: z.string().nullable(),
      created_at: timestamp,
    }),
  ),
  status: 200,
  example: {
    response: {
      gateways: [
        {
          id: GATEWAY,
          name: 'Acme Gateway',
          org_id: null,
          callback_url: 'https://example.com/webhook',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});

/** POST /gateway/register */
export const register = Endpoint.from({
  summary: 'Says what the calling gateway is called and where it is told of events.',
  method: 'POST',
  path: '/gateway/register',
  auth: anyOf('gateway'),
  body: z.object({ name: line(textBounds.name), callback_url: httpUrl }),
  response: z.object({
    gateway_id: z.string(),
    status: z.literal('active'),
    /** Signs what is sent to the callback; shown once, when the callback is new. */
    callback_secret: z.string().optional(),
  }),
  status: 200,
  errors: ['gateway_not_found', 'conflict'],
  example: {
    body: { name: 'Acme Gateway', callback_url: 'https://example.com/webhook' },
    response: { gateway_id: GATEWAY, status: 'active' },
  },
});

/** GET /gateway/balance */
export const balance = Endpoint.from({
  summary: 'What the gateway can spend, and what is on its way to it.',
  method: 'GET',
  path: '/gateway/balance',
  auth: anyOf('gateway'),
  tool: {},
  response: z.object({
    available_usdc: decimalAmount,
    pending_usdc: decimalAmount,
    /** Reserved by calls under way. */
    held_usdc: decimalAmount,
  }),
  status: 200,
  errors: ['gateway_not_found'],
  example: { response: { available_usdc: '1024.55', pending_usdc: '40.00', held_usdc: '0.00' } },
});

/** POST /gateway/provision */
export const provision = Endpoint.from({
  summary: 'Lets the gateway spend so much on an agent from now on; what it spent before is not counted.',
  method: 'POST',
  path: '/gateway/provision',
  auth: anyOf('gateway'),
  idempotent: true,
  body: z.object({ agent_id: id('listing'), quota_usdc: positiveDecimalAmount }),
  response: z.object({ provision_id: z.string(), status: z.literal('active') }),
  status: 200,
  errors: ['gateway_not_found', 'listing_not_found'],
  example: {
    body: { agent_id: LISTING, quota_usdc: '50.00' },
    response: { provision_id: 'prov_01kb3x9v7f5m2q8r4t6w0y1z3v', status: 'active' },
  },
});

/** GET /gateway/usage */
export const usage = Endpoint.from({
  summary: 'What the gateway paid for completed calls in a month: this one unless told.',
  method: 'GET',
  path: '/gateway/usage',
  auth: anyOf('gateway'),
  tool: {},
  query: z.object({ month: month.optional() }),
  response: z.object({ month, total_usdc: decimalAmount, calls: z.number() }),
  status: 200,
  example: { response: { month: '2026-02', total_usdc: '321.55', calls: 1204 } },
});

/** POST /gateway/keys/rotate */
export const rotateKey = Endpoint.from({
  summary:
    'Gives the gateway a new key, shown this once. The former one works for another day, or not at all when the reason is exposure.',
  method: 'POST',
  path: '/gateway/keys/rotate',
  auth: anyOf('gateway'),
  body: z.object({ reason: line(textBounds.reason) }),
  response: z.object({ new_key: z.string() }),
  status: 200,
  example: { body: { reason: 'rotation' }, response: { new_key: 'gw_live_...' } },
});

/** GET /gateway/discover */
export const discover = Endpoint.from({
  summary: 'Finds agents that the gateway can provision and call, newest first.',
  method: 'GET',
  path: '/gateway/discover',
  auth: anyOf('gateway'),
  tool: {},
  query: pageQuery.extend({
    q: line(textBounds.name).optional(),
    category: line(textBounds.category).optional(),
    region: line(textBounds.region).optional(),
  }),
  response: pageOf('agents', listingSummary),
  status: 200,
  example: { response: { agents: [listingExample], total: 1 } },
});

/** GET /gateway/tools */
export const tools = Endpoint.from({
  summary: 'Lists the methods of the agents that the gateway has provisioned.',
  method: 'GET',
  path: '/gateway/tools',
  auth: anyOf('gateway'),
  response: z.object({
    tools: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        description: z.string().nullable(),
        agent_id: z.string(),
        price_usdc: decimalAmount,
        /** What is left of the quota. */
        quota_left_usdc: decimalAmount,
      }),
    ),
  }),
  status: 200,
  example: {
    response: {
      tools: [
        {
          id: 'tool_01kb3x9v7f5m2q8r4t6w0y1z3t',
          name: 'summarize',
          description: null,
          agent_id: LISTING,
          price_usdc: '0.01',
          quota_left_usdc: '49.99',
        },
      ],
    },
  },
});
