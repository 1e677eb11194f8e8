import { Family } from '../../Family.js';
import * as agents from './agents.js';
import * as approvals from './approvals.js';
import * as disputes from './disputes.js';
import { errors } from './errors.js';
import * as events from './events.js';
import * as keys from './keys.js';
import * as paid from './paid.js';
import * as rules from './rules.js';
import * as transactions from './transactions.js';
import * as webhooks from './webhooks.js';
import * as withdrawals from './withdrawals.js';

/** The buyer platform: agents that pay sellers, within what their owners allow. */
export const buyer = Family.from({
  id: 'buyer',
  paths: ['/api/agents', '/api/demo'],
  credentials: ['session', 'agentKey'],
  errors,
  nouns: { agents, approvals, disputes, events, keys, rules, transactions, webhooks, withdrawals },
  paid,
});
