import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line } from '../../resources/values.js';

const BUNDLE = 'bndl_01kb3x9v7f5m2q8r4t6w0y1z3w';
const AGENTS = ['agt_01kb3x9v7f5m2q8r4t6w0y1z3v', 'agt_01kb3x9v7f5m2q8r4t6w0y1z3x'];
const ORG = 'org_01kb3x9v7f5m2q8r4t6w0y1z3a';
const params = z.object({ bundle_id: id('bundle') });

const bundle = z.object({
  id: z.string(),
  name: z.string(),
  agents: z.array(z.string()),
  /** What a month of it costs. */
  price_usdc: decimalAmount,
});

const example = { id: BUNDLE, name: 'Starter', agents: AGENTS, price_usdc: '20.00' };

/** POST /bundles */
export const create = Endpoint.from({
  summary: 'Offers active agents together for a price in the month, which their developers share equally.',
  method: 'POST',
  path: '/bundles',
  auth: anyOf('developer'),
  body: z.object({
    name: line(textBounds.name),
    agent_ids: z.array(id('listing')).min(1).max(numberBounds.bundled),
    /** Of a month; without it as much for each agent as the platform has set. */
    price_usdc: positiveDecimalAmount.optional(),
  }),
  response: z.object({ bundle_id: z.string(), status: z.literal('active') }),
  status: 200,
  errors: ['listing_not_found'],
  example: {
    body: { name: 'Starter', agent_ids: AGENTS },
    response: { bundle_id: BUNDLE, status: 'active' },
  },
});

/** GET /bundles */
export const list = Endpoint.from({
  summary: 'Lists bundles, newest first.',
  method: 'GET',
  path: '/bundles',
  auth: anyone,
  query: pageQuery,
  response: pageOf('bundles', bundle),
  status: 200,
  example: { response: { bundles: [example], total: 1 } },
});

/** GET /bundles/{bundle_id} */
export const get = Endpoint.from({
  summary: 'Reads a bundle.',
  method: 'GET',
  path: '/bundles/{bundle_id}',
  auth: anyone,
  params,
  response: bundle,
  status: 200,
  errors: ['bundle_not_found'],
  example: { params: { bundle_id: BUNDLE }, response: example },
});

/** POST /bundles/{bundle_id}/subscribe */
export const subscribe = Endpoint.from({
  summary: 'Subscribes an organization that the developer pays for to a bundle. The first month is invoiced.',
  method: 'POST',
  path: '/bundles/{bundle_id}/subscribe',
  auth: anyOf('developer'),
  idempotent: true,
  params,
  body: z.object({
    org_id: id('org'),
    plan: z.literal('monthly', { error: 'must be monthly' }),
    /** A purchase order of the organization, which every invoice draws. */
    po_id: id('purchase_order').optional(),
  }),
  response: z.object({ subscription_id: z.string(), status: z.string(), invoice_id: z.string() }),
  status: 200,
  errors: [
    'bundle_not_found',
    'org_not_found',
    'forbidden',
    'purchase_order_not_found',
    'purchase_order_exhausted',
  ],
  example: {
    params: { bundle_id: BUNDLE },
    body: { org_id: ORG, plan: 'monthly' },
    response: {
      subscription_id: 'sub_bndl_01kb3x9v7f5m2q8r4t6w0y1z3y',
      status: 'active',
      invoice_id: 'inv_01kb3x9v7f5m2q8r4t6w0y1z3j',
    },
  },
});
