import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { CONTRACT, LISTING, listingParams, measured, ORG, slaPromise } from '../../resources/listing.js';
import { id, line, month } from '../../resources/values.js';

/** GET /marketplace/agents/{agent_id}/sla */
export const get = Endpoint.from({
  summary: 'How an agent answered its calls over the last 30 days, and what its developer promises.',
  method: 'GET',
  path: '/marketplace/agents/{agent_id}/sla',
  auth: anyone,
  params: listingParams,
  response: z.object({ ...measured, promise: slaPromise.nullable() }),
  status: 200,
  errors: ['listing_not_found'],
  example: {
    params: { agent_id: LISTING },
    response: { uptime: '99.9%', p95_ms: 850, calls: 12_040, promise: { uptime: '99.9%', p95_ms: 900 } },
  },
});

/** GET /marketplace/agents/{agent_id}/sla-report */
export const report = Endpoint.from({
  summary: 'How an agent answered its calls in a month: this one unless told.',
  method: 'GET',
  path: '/marketplace/agents/{agent_id}/sla-report',
  auth: anyone,
  params: listingParams,
  query: z.object({ month: month.optional() }),
  response: z.object({
    month,
    ...measured,
    /** Whether what is promised was kept; null where nothing is promised. */
    kept: z.boolean().nullable(),
  }),
  status: 200,
  errors: ['listing_not_found'],
  example: {
    params: { agent_id: LISTING },
    response: { month: '2026-02', uptime: '99.95%', p95_ms: 810, calls: 12_040, kept: true },
  },
});

/** POST /marketplace/agents/{agent_id}/sla-contract */
export const draftContract = Endpoint.from({
  summary: "Drafts an SLA contract of an organization with an agent's developer.",
  method: 'POST',
  path: '/marketplace/agents/{agent_id}/sla-contract',
  auth: anyOf('developer'),
  params: listingParams,
  body: z.object({
    org_id: id('org'),
    terms: line(textBounds.description),
    /** Calls of the organization that take longer have failed, once the contract is accepted. */
    max_completion_seconds: z.int().min(1).max(numberBounds.slaSeconds).optional(),
  }),
  response: z.object({ contract_id: z.string(), status: z.enum(['draft', 'accepted', 'ended']) }),
  status: 200,
  errors: ['listing_not_found', 'org_not_found', 'forbidden'],
  example: {
    params: { agent_id: LISTING },
    body: { org_id: ORG, terms: 'standard' },
    response: { contract_id: CONTRACT, status: 'draft' },
  },
});

/** POST /marketplace/agents/{agent_id}/sla-contracts/{contract_id}/accept */
export const acceptContract = Endpoint.from({
  summary: "The agent's developer accepts a contract; it takes the place of the one there was.",
  method: 'POST',
  path: '/marketplace/agents/{agent_id}/sla-contracts/{contract_id}/accept',
  auth: anyOf('developer'),
  params: z.object({ agent_id: id('listing'), contract_id: id('sla_contract') }),
  response: z.object({ contract_id: z.string(), status: z.enum(['draft', 'accepted', 'ended']) }),
  status: 200,
  errors: ['listing_not_found', 'sla_contract_not_found', 'conflict'],
  example: {
    params: { agent_id: LISTING, contract_id: CONTRACT },
    response: { contract_id: CONTRACT, status: 'accepted' },
  },
});
