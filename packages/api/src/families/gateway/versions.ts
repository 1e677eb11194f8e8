import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { LISTING, listingParams, versionText } from '../../resources/listing.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { line, timestamp } from '../../resources/values.js';

/** GET /marketplace/agents/{agent_id}/versions */
export const list = Endpoint.from({
  summary: 'Lists the versions of an agent, latest first.',
  method: 'GET',
  path: '/marketplace/agents/{agent_id}/versions',
  auth: anyone,
  params: listingParams,
  query: pageQuery,
  response: pageOf(
    'versions',
    z.object({ id: z.string(), notes: z.string().nullable(), created_at: timestamp }),
  ),
  status: 200,
  errors: ['listing_not_found'],
  example: {
    params: { agent_id: LISTING },
    response: { versions: [{ id: 'v1.0.0', notes: null, created_at: '2026-02-26T20:10:00Z' }], total: 1 },
  },
});

/** POST /marketplace/agents/{agent_id}/versions */
export const add = Endpoint.from({
  summary: 'Releases a version of an agent: a semantic one, which never changes.',
  method: 'POST',
  path: '/marketplace/agents/{agent_id}/versions',
  auth: anyOf('developer'),
  params: listingParams,
  body: z.object({ version: versionText, notes: line(textBounds.description).optional() }),
  response: z.object({ id: z.string() }),
  status: 201,
  errors: ['listing_not_found', 'conflict'],
  example: { params: { agent_id: LISTING }, body: { version: 'v1.0.1' }, response: { id: 'v1.0.1' } },
});
