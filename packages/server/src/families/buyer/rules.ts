import { buyer, type RequestOf } from '@agentpay/api';
import { agents, policies } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';

type Params = RequestOf<typeof buyer.nouns.rules.create>['body']['params'];

export const handlers = implement(buyer.nouns.rules, ({ core }) => ({
  async list({ principal, params }) {
    const { rules } = await agents.controlsOf(core, { principal, agentId: params.id });
    return { rules: rules.map(showRule), total: rules.length };
  },
  async create({ principal, params: { id: agentId }, body: { type, params, active } }) {
    const terms = termsOf(type, params);
    return showRule(await agents.createRule(core, { principal, agentId, terms, active }));
  },
  async update({ principal, params: { id: agentId, rule_id: ruleId }, body: { active, params } }) {
    const terms = params && (({ kind }: policies.Rule) => termsOf(kind, params));
    return showRule(await agents.updateRule(core, { principal, agentId, ruleId, active, terms }));
  },
  async delete({ principal, params: { id: agentId, rule_id: ruleId } }) {
    await agents.removeRule(core, { principal, agentId, ruleId });
    return { id: ruleId, status: 'deleted' };
  },
  async preview({ principal, params, body: { amount, seller } }) {
    const { party } = await agents.actFor(core.db, { principal, agentId: params.id });
    const payees = seller === undefined ? [] : [seller.toLowerCase()];
    const denial = await policies.dryRun(core, { payer: party.id, payees, amount, rail: 'x402' });
    return {
      allowed: denial === undefined,
      code: denial?.code ?? null,
      ruleId: denial?.ruleId ?? null,
      limit: denial?.limit ?? null,
      spent: denial?.spent ?? null,
      remaining: denial?.remaining ?? null,
      resetsAt: denial?.resetsAt ?? null,
    };
  },
}));

/** @throws AgentPayError `invalid_request` when the type of rule needs a member that is missing */
function termsOf(type: policies.Rule['kind'], params: Params): policies.RuleTerms {
  const { hours, days, timeZone = 'UTC', seller, period } = params;
  if (type === 'time_restriction') return { kind: type, hours, days, timeZone };
  const { amount } = params;
  if (amount === undefined)
    throw new AgentPayError('invalid_request', `A rule of type ${type} needs an amount.`, {
      param: 'params.amount',
    });
  if (type === 'per_seller_cap') return { kind: type, seller, amount, period };
  return { kind: type === 'approval_over' ? type : 'max_amount', amount };
}

/** A rule on the wire. */
export function showRule({ id, active = true, kind, ...params }: policies.Rule) {
  return { id, type: kind, params: params as Params, active };
}
