import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { LISTING, listingParams } from '../../resources/listing.js';
import { id, searchText, wholeNumber } from '../../resources/values.js';

const page = { method: 'GET', htmlInJson: true } as const;

/** GET /storefront */
export const storefront = Endpoint.page({
  ...page,
  summary: 'The agents, bundles and services that are offered, as a page.',
  path: '/storefront',
  auth: anyone,
  query: z.object({
    // What a form sends of a field that was left empty.
    q: searchText(textBounds.name).optional(),
    category: searchText(textBounds.category).optional(),
    limit: wholeNumber(1, 60).default(24),
    offset: wholeNumber(0, numberBounds.pageOffset).default(0),
  }),
});

/** GET /storefront/agents/{agent_id} */
export const storefrontAgent = Endpoint.page({
  ...page,
  summary: 'An agent that is offered: prices, versions, certificates, and how it kept its SLA.',
  path: '/storefront/agents/{agent_id}',
  htmlInJson: false,
  auth: anyone,
  params: listingParams,
  errors: ['listing_not_found'],
  example: { params: { agent_id: LISTING } },
});

/** GET /storefront/bundles/{bundle_id} */
export const storefrontBundle = Endpoint.page({
  ...page,
  summary: 'A bundle that is offered and the agents in it.',
  path: '/storefront/bundles/{bundle_id}',
  htmlInJson: false,
  auth: anyone,
  params: z.object({ bundle_id: id('bundle') }),
  errors: ['bundle_not_found'],
  example: { params: { bundle_id: 'bndl_01kb3x9v7f5m2q8r4t6w0y1z3u' } },
});

/** GET /docs */
export const docs = Endpoint.page({
  ...page,
  summary: 'The documentation: guides, API reference, integrations.',
  path: '/docs',
  auth: anyone,
  markdown: true,
});

/** GET /dashboard.html */
export const dashboard = Endpoint.page({
  ...page,
  summary: "The developer's earnings, organizations, subscriptions and invoices, as a page.",
  path: '/dashboard.html',
  auth: anyOf('developer'),
  errors: ['developer_not_found'],
});

/** GET /dev/dashboard */
export const developerDashboard = Endpoint.page({
  ...page,
  summary:
    "The developers' part of the dashboard, at the address that GET /developers/dashboard names; HTML only.",
  path: '/dev/dashboard',
  htmlInJson: false,
  auth: anyOf('developer'),
  errors: ['developer_not_found'],
});
