import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { id, line } from '../../resources/values.js';
import { BUYER, SELLER } from './resources.js';

const params = z.object({ agent_id: id('agent') });
const amountOrNull = decimalAmount.nullable();
const policies = z.object({
  /** What costs more waits for the owner. */
  require_approval_over: amountOrNull,
  /** The most that the cap of one agreement may be. */
  max_agreement_cap: amountOrNull,
  /** The only categories of services that the agent agrees on. */
  allowed_categories: z.array(line(textBounds.category)).nullable(),
  /** Everybody that the agent may pay: ids of agents, wallets or services, addresses, labels. */
  allowed_sellers: z.array(line(textBounds.ruleName)).nullable(),
  /** For a calendar day and month in UTC. */
  daily_limit: amountOrNull,
  monthly_limit: amountOrNull,
});
const shown = z.object({ agent_id: z.string(), policies });

const example = {
  require_approval_over: '5.00',
  max_agreement_cap: '50.00',
  allowed_categories: ['data'],
  allowed_sellers: [SELLER],
  daily_limit: '100.00',
  monthly_limit: null,
};

/** GET /agents/{agent_id}/policies */
export const get = Endpoint.from({
  summary: 'Reads what an agent may spend without asking. For its owner and the agent itself.',
  method: 'GET',
  path: '/agents/{agent_id}/policies',
  auth: anyOf('agent', 'agentKey', 'session', 'developer', 'admin'),
  params,
  response: shown,
  status: 200,
  errors: ['agent_not_found'],
  example: { params: { agent_id: BUYER }, response: { agent_id: BUYER, policies: example } },
});

/** PUT /agents/{agent_id}/policies */
export const put = Endpoint.from({
  summary:
    'Sets what an agent may spend without asking; null takes a policy away, others stay. For its owner.',
  method: 'PUT',
  path: '/agents/{agent_id}/policies',
  auth: anyOf('session', 'developer', 'admin'),
  params,
  body: policies
    .extend({
      allowed_categories: z.array(line(textBounds.category)).min(1).max(numberBounds.ruleNames).nullable(),
      allowed_sellers: z.array(line(textBounds.ruleName)).min(1).max(numberBounds.ruleNames).nullable(),
    })
    .partial(),
  response: shown,
  status: 200,
  errors: ['agent_not_found'],
  example: {
    params: { agent_id: BUYER },
    body: { require_approval_over: '5.00', max_agreement_cap: '50.00' },
    response: { agent_id: BUYER, policies: example },
  },
});
