import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

const ORG = 'org_01kb3x9v7f5m2q8r4t6w0y1z3a';
const MARKETPLACE = 'pm_01kb3x9v7f5m2q8r4t6w0y1z3t';
const AGENT = 'agt_01kb3x9v7f5m2q8r4t6w0y1z3v';
const auth = anyOf('developer');
const params = z.object({ org_id: id('org') });
const ofMarketplace = params.extend({ pm_id: id('private_marketplace') });

/** POST /orgs/{org_id}/private-marketplaces */
export const create = Endpoint.from({
  summary: 'Makes a marketplace that only members of the organization see.',
  method: 'POST',
  path: '/orgs/{org_id}/private-marketplaces',
  auth,
  params,
  body: z.object({ name: line(textBounds.name) }),
  response: z.object({ marketplace_id: z.string() }),
  status: 200,
  errors: ['org_not_found', 'forbidden'],
  example: {
    params: { org_id: ORG },
    body: { name: 'Acme Internal' },
    response: { marketplace_id: MARKETPLACE },
  },
});

/** GET /orgs/{org_id}/private-marketplaces */
export const list = Endpoint.from({
  summary: "Lists the organization's private marketplaces, newest first.",
  method: 'GET',
  path: '/orgs/{org_id}/private-marketplaces',
  auth,
  params,
  query: pageQuery,
  response: pageOf(
    'private_marketplaces',
    z.object({ id: z.string(), name: z.string(), created_at: timestamp }),
  ),
  status: 200,
  errors: ['org_not_found'],
  example: {
    params: { org_id: ORG },
    response: {
      private_marketplaces: [{ id: MARKETPLACE, name: 'Acme Internal', created_at: '2026-02-26T20:10:00Z' }],
      total: 1,
    },
  },
});

/** POST /orgs/{org_id}/private-marketplaces/{pm_id}/agents */
export const addAgent = Endpoint.from({
  summary: 'Adds an agent of the marketplace to a private one; again changes nothing.',
  method: 'POST',
  path: '/orgs/{org_id}/private-marketplaces/{pm_id}/agents',
  auth,
  params: ofMarketplace,
  body: z.object({ agent_id: id('listing') }),
  response: z.object({ status: z.literal('added') }),
  status: 200,
  errors: ['org_not_found', 'private_marketplace_not_found', 'listing_not_found', 'forbidden', 'conflict'],
  example: {
    params: { org_id: ORG, pm_id: MARKETPLACE },
    body: { agent_id: AGENT },
    response: { status: 'added' },
  },
});

/** GET /orgs/{org_id}/private-marketplaces/{pm_id}/agents */
export const agents = Endpoint.from({
  summary: 'Lists the agents of a private marketplace, in the order in which they came.',
  method: 'GET',
  path: '/orgs/{org_id}/private-marketplaces/{pm_id}/agents',
  auth,
  params: ofMarketplace,
  response: z.object({ agents: z.array(z.object({ id: z.string(), name: z.string() })) }),
  status: 200,
  errors: ['org_not_found', 'private_marketplace_not_found', 'listing_not_found'],
  example: {
    params: { org_id: ORG, pm_id: MARKETPLACE },
    response: { agents: [{ id: AGENT, name: 'DataBot' }] },
  },
});
