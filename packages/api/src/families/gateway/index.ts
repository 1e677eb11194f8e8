import { Family } from '../../Family.js';
import * as contracts from './contracts.js';
import * as developers from './developers.js';
import { errors } from './errors.js';
import * as orgs from './orgs.js';
import * as policies from './policies.js';
import * as purchaseOrders from './purchaseOrders.js';

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
  nouns: { developers, orgs, contracts, purchaseOrders, policies },
});
