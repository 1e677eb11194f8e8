import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { amount, positiveAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

const AGENT = 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a';
const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';
const RULE = 'rule_01kb3x9v7f5m2q8r4t6w0y1z3d';

const kinds = [
  'per_tx',
  'daily',
  'monthly',
  'max_amount',
  'monthly_usdc',
  'approval_over',
  'agreement_cap',
  'categories',
  'allowlist',
  'time_restriction',
  'per_seller_cap',
  'rail',
  'kill_switch',
] as const;
const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const time = z.string().regex(/^\d\d:\d\d$/, 'must be a time such as 09:30');
const name = line(textBounds.ruleName);

/** The terms of a rule; which of them count depends on its kind. */
const terms = z.object({
  kind: z.enum(kinds),
  /** per_tx, daily, monthly, max_amount, monthly_usdc, approval_over, agreement_cap, per_seller_cap */
  amount: positiveAmount.optional(),
  /** allowlist: ids of agents, wallets or services, labels of external payees */
  sellers: z.array(name).min(1).max(numberBounds.ruleNames).optional(),
  /** categories: of the services that usage agreements are about */
  categories: z.array(line(textBounds.category)).min(1).max(numberBounds.ruleNames).optional(),
  /** time_restriction: from later than to is over midnight */
  hours: z.object({ from: time, to: time }).optional(),
  /** time_restriction */
  days: z.array(z.enum(weekdays)).min(1).max(7).optional(),
  /** time_restriction: an IANA name */
  time_zone: line(textBounds.timeZone).optional(),
  /** per_seller_cap: for each payee when absent */
  seller: name.optional(),
  /** per_seller_cap: for ever when absent */
  period: z.enum(['day', 'month']).optional(),
  /** rail */
  rails: z.array(line(textBounds.rail)).min(1).max(numberBounds.ruleNames).optional(),
});
const rule = terms.extend({ id: z.string(), amount: amount.optional() });
const ofAgent = z.object({ agent_id: id('agent').optional() });
const params = z.object({ rule_id: id('rule') });
const example = { id: RULE, kind: 'daily', amount: 150 };

/** POST /v1/policies/evaluate */
export const evaluate = Endpoint.from({
  summary:
    'Tells whether a payment would be allowed by the rules; reserves nothing and does not ask for money.',
  method: 'POST',
  path: '/v1/policies/evaluate',
  auth: anyOf('agent'),
  tool: { description: 'Use it before a payment that a limit may refuse.', readOnly: true },
  body: z.object({
    from_wallet_id: id('wallet').optional(),
    to_wallet_id: id('wallet').optional(),
    to_external: line(textBounds.externalPayee).optional(),
    service_id: id('service').optional(),
    amount: positiveAmount,
    rail: line(textBounds.rail).default('internal'),
  }),
  response: z.object({
    allowed: z.boolean(),
    /** Why not. */
    code: z.string().nullable(),
    rule_id: z.string().nullable(),
    limit: amount.nullable(),
    spent: amount.nullable(),
    remaining: amount.nullable(),
    /** When the window of the limit ends. */
    resets_at: timestamp.nullable(),
    needs_approval: z.boolean(),
  }),
  status: 200,
  errors: ['wallet_not_found', 'service_not_found'],
  example: {
    body: { from_wallet_id: WALLET, to_external: 'merchant:demo', amount: 20, rail: 'internal' },
    response: {
      allowed: false,
      code: 'daily_limit',
      rule_id: RULE,
      limit: 150,
      spent: 140,
      remaining: 10,
      resets_at: '2026-05-09T00:00:00Z',
      needs_approval: false,
    },
  },
});

/** GET /v1/policies */
export const list = Endpoint.from({
  summary: 'Lists the rules of the calling agent; for the operator those of any agent, or of the platform.',
  method: 'GET',
  path: '/v1/policies',
  auth: anyOf('agent', 'admin'),
  tool: {},
  // An agent has 100 rules at most: all of them unless told.
  query: pageQuery.extend({
    ...ofAgent.shape,
    limit: pageQuery.shape.limit.unwrap().default(numberBounds.pageLimit),
  }),
  response: pageOf('policies', rule),
  status: 200,
  errors: ['agent_not_found'],
  example: { response: { policies: [example], total: 1 } },
});

/** POST /v1/policies */
export const create = Endpoint.from({
  summary: 'Makes a rule for an agent, or for the whole platform. For the operator.',
  method: 'POST',
  path: '/v1/policies',
  auth: anyOf('admin'),
  idempotent: true,
  body: terms.extend({ ...ofAgent.shape, idempotency_key: line(textBounds.idempotencyKey).optional() }),
  response: rule,
  status: 201,
  errors: ['agent_not_found', 'conflict'],
  example: { body: { agent_id: AGENT, kind: 'daily', amount: 150 }, response: example },
});

/** PUT /v1/policies/{rule_id} */
export const replace = Endpoint.from({
  summary: 'Replaces the terms of a rule. For the operator.',
  method: 'PUT',
  path: '/v1/policies/{rule_id}',
  auth: anyOf('admin'),
  params,
  body: terms,
  response: rule,
  status: 200,
  errors: ['rule_not_found'],
  example: {
    params: { rule_id: RULE },
    body: { kind: 'daily', amount: 200 },
    response: { ...example, amount: 200 },
  },
});

/** DELETE /v1/policies/{rule_id} */
export const remove = Endpoint.from({
  summary: 'Takes a rule away. For the operator.',
  method: 'DELETE',
  path: '/v1/policies/{rule_id}',
  auth: anyOf('admin'),
  params,
  response: z.object({ id: z.string(), deleted: z.literal(true) }),
  status: 200,
  errors: ['rule_not_found'],
  example: { params: { rule_id: RULE }, response: { id: RULE, deleted: true } },
});
