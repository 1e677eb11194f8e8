import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount, positiveDecimalAmount } from '../../resources/amount.js';
import { id, line, timestamp } from '../../resources/values.js';
import { address, AGENT, ofAgent, RULE, SELLER } from './resources.js';

const auth = anyOf('session');
const types = ['max_amount', 'time_restriction', 'per_seller_cap', 'approval_over'] as const;
const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const time = z.string().regex(/^\d\d:\d\d$/, 'must be a time such as 09:30');

/** What a rule says; which of it counts depends on its type. */
const params = z.object(
  {
    /** max_amount, per_seller_cap; approval_over: what is above it waits for the owner */
    amount: positiveDecimalAmount.optional(),
    /** time_restriction: when payments are allowed; from later than to is over midnight */
    hours: z.object({ from: time, to: time }).optional(),
    /** time_restriction: days on which they are */
    days: z.array(z.enum(weekdays)).min(1).max(7).optional(),
    /** time_restriction: an IANA name; UTC when absent */
    timeZone: line(textBounds.timeZone).optional(),
    /** per_seller_cap: for each seller when absent */
    seller: address.optional(),
    /** per_seller_cap: for ever when absent */
    period: z.enum(['day', 'month']).optional(),
  },
  { error: 'must be an object' },
);
const active = z.boolean({ error: 'must be true or false' });
const rule = z.object({ id: z.string(), type: z.string(), params, active: z.boolean() });
const ofRule = ofAgent.extend({ rule_id: id('rule') });
const example = { id: RULE, type: 'max_amount', params: { amount: '1.00' }, active: true };

/** GET /api/agents/{id}/policy-rules */
export const list = Endpoint.from({
  summary: 'Lists the rules of an agent, oldest first.',
  method: 'GET',
  path: '/api/agents/{id}/policy-rules',
  auth,
  params: ofAgent,
  response: z.object({ rules: z.array(rule), total: z.number() }),
  status: 200,
  errors: ['agent_not_found'],
  example: { params: { id: AGENT }, response: { rules: [example], total: 1 } },
});

/** POST /api/agents/{id}/policy-rules */
export const create = Endpoint.from({
  summary:
    'Makes a rule: most of one payment or for one seller, when payments are allowed, or above what the owner is asked.',
  method: 'POST',
  path: '/api/agents/{id}/policy-rules',
  auth,
  params: ofAgent,
  body: z.object({
    type: z.enum(types, { error: `must be one of ${types.join(', ')}` }),
    params,
    active: active.default(true),
  }),
  response: rule,
  status: 201,
  errors: ['agent_not_found', 'conflict'],
  example: {
    params: { id: AGENT },
    body: { type: 'max_amount', params: { amount: '1.00' }, active: true },
    response: example,
  },
});

/** PATCH /api/agents/{id}/policy-rules/{rule_id} */
export const update = Endpoint.from({
  summary: 'Switches a rule on or off, or changes what it says.',
  method: 'PATCH',
  path: '/api/agents/{id}/policy-rules/{rule_id}',
  auth,
  params: ofRule,
  body: z.object({ active: active.optional(), params: params.optional() }),
  response: rule,
  status: 200,
  errors: ['agent_not_found', 'rule_not_found', 'conflict'],
  example: {
    params: { id: AGENT, rule_id: RULE },
    body: { active: false },
    response: { ...example, active: false },
  },
});

/** POST /api/agents/{id}/policy-rules/preview */
export const preview = Endpoint.from({
  summary: 'Tells whether a payment would pass the limits, allow list and rules now. Nothing is reserved.',
  method: 'POST',
  path: '/api/agents/{id}/policy-rules/preview',
  auth,
  params: ofAgent,
  body: z.object({ amount: positiveDecimalAmount, seller: address.optional() }),
  response: z.object({
    allowed: z.boolean(),
    /** Why not. */
    code: z.string().nullable(),
    ruleId: z.string().nullable(),
    limit: decimalAmount.nullable(),
    spent: decimalAmount.nullable(),
    remaining: decimalAmount.nullable(),
    resetsAt: timestamp.nullable(),
  }),
  status: 200,
  errors: ['agent_not_found'],
  example: {
    params: { id: AGENT },
    body: { amount: '2.00', seller: SELLER },
    response: {
      allowed: false,
      code: 'per_transaction_limit',
      ruleId: null,
      limit: '1.00',
      spent: null,
      remaining: null,
      resetsAt: null,
    },
  },
});

const deleteRule = Endpoint.from({
  summary: 'Takes a rule away.',
  method: 'DELETE',
  path: '/api/agents/{id}/policy-rules/{rule_id}',
  auth,
  params: ofRule,
  response: z.object({ id: z.string(), status: z.string() }),
  status: 200,
  errors: ['agent_not_found', 'rule_not_found'],
  example: { params: { id: AGENT, rule_id: RULE }, response: { id: RULE, status: 'deleted' } },
});

/** DELETE /api/agents/{id}/policy-rules/{rule_id} */
export { deleteRule as delete };
