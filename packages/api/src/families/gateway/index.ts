import { Family } from '../../Family.js';
import * as developers from './developers.js';
import { errors } from './errors.js';

/** Gateways, organizations, billing, marketplace and administration. */
export const gateway = Family.from({
  id: 'gateway',
  paths: [
    '/gateway',
    '/developers',
    '/marketplace',
    '/subscriptions',
    '/invoices',
    '/orgs',
    '/usage',
    '/alerts',
    '/disputes',
    '/webhooks',
    '/receipts',
    '/bundles',
    '/billing',
    '/admin',
    '/stripe',
  ],
  credentials: ['gateway', 'developer', 'admin'],
  errors,
  nouns: { developers },
});
