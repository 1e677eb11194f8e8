import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { LISTING, listingParams } from '../../resources/listing.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { httpUrl, line, timestamp } from '../../resources/values.js';

/** POST /marketplace/agents/{agent_id}/certifications */
export const apply = Endpoint.from({
  summary: 'Asks the operator to certify an agent.',
  method: 'POST',
  path: '/marketplace/agents/{agent_id}/certifications',
  auth: anyOf('developer'),
  params: listingParams,
  body: z.object({ certification: line(textBounds.certification), evidence_url: httpUrl.optional() }),
  response: z.object({ certification: z.string(), status: z.enum(['pending', 'approved', 'rejected']) }),
  status: 200,
  errors: ['listing_not_found', 'conflict'],
  example: {
    params: { agent_id: LISTING },
    body: { certification: 'SOC2' },
    response: { certification: 'SOC2', status: 'pending' },
  },
});

/** GET /admin/marketplace/certifications */
export const list = Endpoint.from({
  summary: 'Lists the certifications that wait for a decision, longest first. For the operator.',
  method: 'GET',
  path: '/admin/marketplace/certifications',
  auth: anyOf('admin'),
  query: pageQuery,
  response: pageOf(
    'certifications',
    z.object({
      agent_id: z.string(),
      certification: z.string(),
      /** Where the auditor's report is. */
      evidence_url: z.string().nullable(),
      asked_at: timestamp,
    }),
  ),
  status: 200,
  example: {
    response: {
      certifications: [
        { agent_id: LISTING, certification: 'SOC2', evidence_url: null, asked_at: '2026-05-08T12:00:00Z' },
      ],
      total: 1,
    },
  },
});

/** POST /admin/marketplace/agents/{agent_id}/certifications */
export const decide = Endpoint.from({
  summary: 'Certifies an agent that asked for it, or does not.',
  method: 'POST',
  path: '/admin/marketplace/agents/{agent_id}/certifications',
  auth: anyOf('admin'),
  params: listingParams,
  body: z.object({
    certification: line(textBounds.certification),
    decision: z.enum(['approved', 'rejected'], { error: 'must be approved or rejected' }),
  }),
  response: z.object({ certification: z.string(), status: z.enum(['pending', 'approved', 'rejected']) }),
  status: 200,
  errors: ['listing_not_found'],
  example: {
    params: { agent_id: LISTING },
    body: { certification: 'SOC2', decision: 'approved' },
    response: { certification: 'SOC2', status: 'approved' },
  },
});
