import { gateway, type RequestOf } from '@agentpay/api';
import { orgs, type policies } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

type WireRules = RequestOf<typeof gateway.nouns.policies.create>['body']['rules'];

export const handlers = implement(gateway.nouns.policies, ({ core }) => ({
  async create({ principal, params, body }) {
    const { name, rules } = body;
    const { id } = await orgs.createPolicy(core, {
      principal,
      orgId: params.org_id,
      name,
      terms: termsOf(rules),
    });
    return { policy_id: id, status: 'active' as const };
  },
  async list({ principal, params, query }) {
    const found = await orgs.listPolicies(core, { principal, orgId: params.org_id, ...query });
    return {
      policies: found.policies.map(({ id, name, rules, status, createdAt }) => ({
        id,
        name,
        rules: Object.assign({}, ...rules.map(shown)) as WireRules,
        status,
        created_at: createdAt,
      })),
      ...counted(found),
    };
  },
  async delete({ principal, params: { org_id: orgId, policy_id: policyId } }) {
    await orgs.removePolicy(core, { principal, orgId, policyId });
    return { status: 'deleted' as const };
  },
  async logs({ principal, params, query }) {
    const { logs, ...page } = await orgs.policyLogs(core, { principal, orgId: params.org_id, ...query });
    return {
      logs: logs.map((log) => ({
        id: log.id,
        policy_id: log.policyId,
        action: log.action,
        reason: log.reason,
        spender_id: log.partyId,
        limit_usdc: log.cap,
        spent_usdc: log.spent,
        created_at: log.createdAt,
      })),
      ...counted(page),
    };
  },
}));

const amountKinds = {
  monthly_usdc: 'monthly_usdc',
  daily_usdc: 'daily',
  per_transaction_usdc: 'per_tx',
} as const;

/** The rules of the wire as the engine knows them. */
function termsOf(rules: WireRules): policies.RuleTerms[] {
  const terms: policies.RuleTerms[] = [];
  for (const [field, kind] of Object.entries(amountKinds)) {
    const amount = rules[field as keyof typeof amountKinds];
    if (amount !== undefined) terms.push({ kind, amount });
  }
  if (rules.monthly_per_payee_usdc !== undefined)
    terms.push({ kind: 'per_seller_cap', amount: rules.monthly_per_payee_usdc, period: 'month' });
  if (rules.allowed_payees) terms.push({ kind: 'allowlist', sellers: rules.allowed_payees });
  if (rules.allowed_rails) terms.push({ kind: 'rail', rails: rules.allowed_rails });
  return terms;
}

function shown(rule: policies.Rule): WireRules {
  switch (rule.kind) {
    case 'per_seller_cap':
      return { monthly_per_payee_usdc: rule.amount };
    case 'allowlist':
      return { allowed_payees: [...rule.sellers] };
    case 'rail':
      return { allowed_rails: [...rule.rails] };
    default: {
      const field = Object.entries(amountKinds).find(([, kind]) => kind === rule.kind)?.[0];
      return field !== undefined && 'amount' in rule ? { [field]: rule.amount } : {};
    }
  }
}
