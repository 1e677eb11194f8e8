import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import {
  LISTING,
  listingDetails,
  listingExample,
  listingParams,
  listingStatus,
  listingSummary,
  shownMethod,
  shownMethods,
  slaPromise,
  versionText,
  visibility,
} from '../../resources/listing.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

/** GET /marketplace/agents */
export const list = Endpoint.from({
  summary:
    'Lists the agents that can be called, newest first; private ones for those with a key who may see them.',
  method: 'GET',
  path: '/marketplace/agents',
  auth: anyone,
  optionalAuth: anyOf('developer', 'gateway'),
  tool: {},
  query: pageQuery.extend({
    /** Part of the name or of the description. */
    q: line(textBounds.name).optional(),
    category: line(textBounds.category).optional(),
    region: line(textBounds.region).optional(),
    certification: line(textBounds.certification).optional(),
    developer_id: id('developer').optional(),
  }),
  response: pageOf('agents', listingSummary),
  status: 200,
  example: { query: { category: 'analytics' }, response: { agents: [listingExample], total: 1 } },
});

/** POST /marketplace/agents */
export const create = Endpoint.from({
  summary: 'Lists an agent; it is offered once the operator has approved it.',
  method: 'POST',
  path: '/marketplace/agents',
  auth: anyOf('developer'),
  idempotent: false,
  body: z.object({
    name: line(textBounds.name),
    category: line(textBounds.category),
    version: versionText.optional(),
    ...listingDetails,
  }),
  response: z.object({ agent_id: z.string(), status: listingStatus }),
  status: 200,
  errors: ['developer_not_found', 'service_not_found'],
  example: {
    body: { name: 'DataBot', category: 'analytics' },
    response: { agent_id: LISTING, status: 'pending' },
  },
});

/** GET /marketplace/agents/{agent_id} */
export const get = Endpoint.from({
  summary: 'Reads an agent.',
  method: 'GET',
  path: '/marketplace/agents/{agent_id}',
  auth: anyone,
  optionalAuth: anyOf('developer', 'gateway'),
  tool: {},
  params: listingParams,
  response: listingSummary.extend({
    status: listingStatus,
    visibility,
    developer_id: z.string(),
    /** How many there are. */
    versions: z.number(),
    certifications: z.array(z.string()),
    methods: shownMethods,
    sla: slaPromise.nullable(),
    service_id: z.string().nullable(),
    created_at: timestamp,
  }),
  status: 200,
  errors: ['listing_not_found'],
  example: {
    params: { agent_id: LISTING },
    response: {
      ...listingExample,
      status: 'active',
      visibility: 'public',
      developer_id: 'dev_01kb3x9v7f5m2q8r4t6w0y1z3p',
      versions: 3,
      certifications: ['SOC2'],
      methods: [shownMethod],
      sla: { uptime: '99.9%', p95_ms: 850 },
      service_id: null,
      created_at: '2026-02-26T20:10:00Z',
    },
  },
});

/** PATCH /marketplace/agents/{agent_id} */
export const update = Endpoint.from({
  summary: 'Changes an agent. One that is called elsewhere from then on waits for approval again.',
  method: 'PATCH',
  path: '/marketplace/agents/{agent_id}',
  auth: anyOf('developer'),
  params: listingParams,
  body: z.object({ ...listingDetails, category: line(textBounds.category).optional() }),
  response: z.object({ status: z.literal('updated') }),
  status: 200,
  errors: ['listing_not_found', 'service_not_found'],
  example: {
    params: { agent_id: LISTING },
    body: { description: 'New release notes' },
    response: { status: 'updated' },
  },
});

/** POST /admin/marketplace/agents/{agent_id}/approve */
export const approve = Endpoint.from({
  summary: 'Offers an agent on the marketplace.',
  method: 'POST',
  path: '/admin/marketplace/agents/{agent_id}/approve',
  auth: anyOf('admin'),
  params: listingParams,
  response: z.object({ status: listingStatus }),
  status: 200,
  errors: ['listing_not_found'],
  example: { params: { agent_id: LISTING }, response: { status: 'active' } },
});

/** POST /admin/marketplace/agents/{agent_id}/suspend */
export const suspend = Endpoint.from({
  summary: 'Takes an agent off the marketplace.',
  method: 'POST',
  path: '/admin/marketplace/agents/{agent_id}/suspend',
  auth: anyOf('admin'),
  params: listingParams,
  response: z.object({ status: listingStatus }),
  status: 200,
  errors: ['listing_not_found'],
  example: { params: { agent_id: LISTING }, response: { status: 'suspended' } },
});
