import { Family } from '../../Family.js';
import * as nouns from './agreements.js';
import * as approvals from './approvals.js';
import * as catalog from './catalog.js';
import * as direct from './direct.js';
import { errors } from './errors.js';
import * as policies from './policies.js';

/** Usage agreements: terms, money that waits, metered usage, settlement. */
export const agreements = Family.from({
  id: 'agreements',
  paths: ['/usage-agreements', '/agents', '/catalog', '/metered-proxy', '/payment-requirements'],
  credentials: ['agent', 'agentKey', 'session', 'developer', 'admin'],
  errors,
  nouns: { agreements: nouns, direct, catalog, policies, approvals },
});
