import { agreements as family } from '@agentpay/api';
import { agents } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(family.nouns.policies, ({ core }) => ({
  async get({ principal, params: { agent_id: agentId } }) {
    return show(agentId, await agents.policiesOf(core, { principal, agentId }));
  },
  async put({ principal, params: { agent_id: agentId }, body }) {
    const policies = {
      requireApprovalOver: body.require_approval_over,
      maxAgreementCap: body.max_agreement_cap,
      allowedCategories: body.allowed_categories,
      allowedSellers: body.allowed_sellers,
      dailyLimit: body.daily_limit,
      monthlyLimit: body.monthly_limit,
    };
    return show(agentId, await agents.setPolicies(core, { principal, agentId, policies }));
  },
}));

function show(agentId: string, policies: agents.AgentPolicies) {
  const { allowedCategories, allowedSellers } = policies;
  return {
    agent_id: agentId,
    policies: {
      require_approval_over: policies.requireApprovalOver,
      max_agreement_cap: policies.maxAgreementCap,
      allowed_categories: allowedCategories && [...allowedCategories],
      allowed_sellers: allowedSellers && [...allowedSellers],
      daily_limit: policies.dailyLimit,
      monthly_limit: policies.monthlyLimit,
    },
  };
}
