import { Family } from '../../Family.js';
import * as calls from './calls.js';
import * as certifications from './certifications.js';
import * as contracts from './contracts.js';
import * as developers from './developers.js';
import * as subscriptions from './subscriptions.js';
import * as invoices from './invoices.js';
import * as receipts from './receipts.js';
import * as alerts from './alerts.js';
import * as forecast from './forecast.js';
import * as disputes from './disputes.js';
import * as webhooks from './webhooks.js';
import * as admin from './admin.js';
import * as bundles from './bundles.js';
import * as privateMarketplaces from './privateMarketplaces.js';
import * as pages from './pages.js';
import * as billing from './billing.js';
import { errors } from './errors.js';
import * as paid from './paid.js';
import * as fundings from './fundings.js';
import * as gateways from './gateways.js';
import * as heard from './heard.js';
import * as listings from './listings.js';
import * as marketplace from './marketplace.js';
import * as orgs from './orgs.js';
import * as policies from './policies.js';
import * as pricing from './pricing.js';
import * as purchaseOrders from './purchaseOrders.js';
import * as sla from './sla.js';
import * as versions from './versions.js';

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
    '/storefront',
    '/docs',
    '/dashboard.html',
    '/dev',
  ],
  credentials: ['gateway', 'developer', 'admin'],
  errors,
  nouns: {
    developers,
    listings,
    versions,
    pricing,
    sla,
    certifications,
    marketplace,
    gateways,
    calls,
    fundings,
    orgs,
    contracts,
    purchaseOrders,
    policies,
    subscriptions,
    invoices,
    receipts,
    alerts,
    forecast,
    disputes,
    webhooks,
    admin,
    billing,
    pages,
    bundles,
    privateMarketplaces,
  },
  paid,
  heard,
});
