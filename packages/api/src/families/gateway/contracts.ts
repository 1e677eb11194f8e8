import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, lines, timestamp } from '../../resources/values.js';

const ORG = 'org_01kb3x9v7f5m2q8r4t6w0y1z3a';
const CONTRACT = 'ct_01kb3x9v7f5m2q8r4t6w0y1z3c';
const auth = anyOf('developer');
const params = z.object({ org_id: id('org') });
const terms = lines(textBounds.terms);

/** POST /orgs/{org_id}/contracts */
export const create = Endpoint.from({
  summary: 'Keeps a contract of the organization as a draft.',
  method: 'POST',
  path: '/orgs/{org_id}/contracts',
  auth,
  params,
  body: z.object({ title: line(textBounds.title), terms }),
  response: z.object({ contract_id: z.string(), status: z.literal('draft') }),
  status: 200,
  errors: ['org_not_found', 'forbidden'],
  example: {
    params: { org_id: ORG },
    body: { title: 'SLA 99.9%', terms: '...' },
    response: { contract_id: CONTRACT, status: 'draft' },
  },
});

/** GET /orgs/{org_id}/contracts */
export const list = Endpoint.from({
  summary: "Lists the organization's contracts, newest first.",
  method: 'GET',
  path: '/orgs/{org_id}/contracts',
  auth,
  params,
  query: pageQuery,
  response: pageOf(
    'contracts',
    z.object({
      id: z.string(),
      title: z.string(),
      terms: z.string(),
      status: z.literal('draft'),
      created_at: timestamp,
    }),
  ),
  status: 200,
  errors: ['org_not_found'],
  example: {
    params: { org_id: ORG },
    response: {
      contracts: [
        {
          id: CONTRACT,
          title: 'SLA 99.9%',
          terms: '...',
          status: 'draft',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});
