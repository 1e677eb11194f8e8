import { Family } from '../../Family.js';
import * as agents from './agents.js';
import * as approvals from './approvals.js';
import * as audit from './audit.js';
import * as claims from './claims.js';
import * as disputes from './disputes.js';
import { errors } from './errors.js';
import * as payments from './payments.js';
import * as payouts from './payouts.js';
import * as policies from './policies.js';
import * as explorer from './explorer.js';
import * as ops from './ops.js';
import * as services from './services.js';
import * as tokens from './tokens.js';
import * as wallets from './wallets.js';
import * as webhooks from './webhooks.js';

/** The agent runtime API, `/v1`. It answers for every path that no other family claims. */
export const runtime = Family.from({
  id: 'runtime',
  paths: ['/'],
  credentials: ['agent', 'explorer', 'admin', 'demoAdmin', 'apiKey', 'session'],
  explorers: true,
  errors,
  nouns: {
    agents,
    wallets,
    payments,
    policies,
    approvals,
    services,
    tokens,
    disputes,
    payouts,
    webhooks,
    explorer,
    ops,
    audit,
    claims,
  },
});
