import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { decimalAmount } from '../../resources/amount.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { id, line, timestamp } from '../../resources/values.js';

const ORG = 'org_01kb3x9v7f5m2q8r4t6w0y1z3a';
const POLICY = 'pol_01kb3x9v7f5m2q8r4t6w0y1z3e';
const auth = anyOf('developer');
const params = z.object({ org_id: id('org') });
const names = z.array(line(textBounds.externalPayee)).min(1).max(numberBounds.ruleNames);

/** What the organization and its gateways may spend. Every rule that is given holds. */
const rules = z.strictObject({
  /** In a calendar month (UTC), all of them together. */
  monthly_usdc: decimalAmount.optional(),
  /** In a calendar day (UTC). */
  daily_usdc: decimalAmount.optional(),
  /** At once. */
  per_transaction_usdc: decimalAmount.optional(),
  /** For each payee in a month. */
  monthly_per_payee_usdc: decimalAmount.optional(),
  /** The only payees. */
  allowed_payees: names.optional(),
  /** The only ways of paying. */
  allowed_rails: names.optional(),
});

const policy = z.object({
  id: z.string(),
  name: z.string(),
  rules,
  status: z.enum(['active', 'deleted']),
  created_at: timestamp,
});

/** POST /orgs/{org_id}/policies */
export const create = Endpoint.from({
  summary: 'Puts what the organization and its gateways spend under rules, from now on.',
  method: 'POST',
  path: '/orgs/{org_id}/policies',
  auth,
  params,
  body: z.object({ name: line(textBounds.name), rules }),
  response: z.object({ policy_id: z.string(), status: z.literal('active') }),
  status: 200,
  errors: ['org_not_found', 'forbidden', 'conflict'],
  example: {
    params: { org_id: ORG },
    body: { name: 'Budget Cap', rules: { monthly_usdc: '500.00' } },
    response: { policy_id: POLICY, status: 'active' },
  },
});

/** GET /orgs/{org_id}/policies */
export const list = Endpoint.from({
  summary: "Lists the organization's policies, newest first.",
  method: 'GET',
  path: '/orgs/{org_id}/policies',
  auth,
  params,
  query: pageQuery,
  response: pageOf('policies', policy),
  status: 200,
  errors: ['org_not_found'],
  example: {
    params: { org_id: ORG },
    response: {
      policies: [
        {
          id: POLICY,
          name: 'Budget Cap',
          rules: { monthly_usdc: '500.00' },
          status: 'active',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});

/** DELETE /orgs/{org_id}/policies/{policy_id} */
const remove = Endpoint.from({
  summary: 'Takes a policy away; its log stays.',
  method: 'DELETE',
  path: '/orgs/{org_id}/policies/{policy_id}',
  auth,
  params: params.extend({ policy_id: id('policy') }),
  response: z.object({ status: z.literal('deleted') }),
  status: 200,
  errors: ['org_not_found', 'policy_not_found', 'forbidden'],
  example: { params: { org_id: ORG, policy_id: POLICY }, response: { status: 'deleted' } },
});
export { remove as delete };

/** GET /orgs/{org_id}/policies/logs */
export const logs = Endpoint.from({
  summary: "Lists what the organization's policies stopped, newest first.",
  method: 'GET',
  path: '/orgs/{org_id}/policies/logs',
  auth,
  params,
  query: pageQuery,
  response: pageOf(
    'logs',
    z.object({
      id: z.string(),
      policy_id: z.string(),
      action: z.literal('enforced'),
      /** Code of the refusal, such as `org_monthly_limit`. */
      reason: z.string(),
      /** Who wanted to spend. */
      spender_id: z.string(),
      limit_usdc: decimalAmount.nullable(),
      /** Before. */
      spent_usdc: decimalAmount.nullable(),
      created_at: timestamp,
    }),
  ),
  status: 200,
  errors: ['org_not_found'],
  example: {
    params: { org_id: ORG },
    response: {
      logs: [
        {
          id: 'plog_01kb3x9v7f5m2q8r4t6w0y1z3f',
          policy_id: POLICY,
          action: 'enforced',
          reason: 'org_monthly_limit',
          spender_id: 'gw_01kb3x9v7f5m2q8r4t6w0y1z3g',
          limit_usdc: '500.00',
          spent_usdc: '499.00',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
      total: 1,
    },
  },
});
