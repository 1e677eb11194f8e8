import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';

const page = { method: 'GET', htmlInJson: true } as const;

/** GET /storefront */
export const storefront = Endpoint.page({
  ...page,
  summary: 'The agents and bundles that are offered, as a page.',
  path: '/storefront',
  auth: anyone,
});

/** GET /docs */
export const docs = Endpoint.page({
  ...page,
  summary: 'Every endpoint of every API, as a page.',
  path: '/docs',
  auth: anyone,
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
  summary: 'The same page, at the address that GET /developers/dashboard names; HTML only.',
  path: '/dev/dashboard',
  htmlInJson: false,
  auth: anyOf('developer'),
  errors: ['developer_not_found'],
});
