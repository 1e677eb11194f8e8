import { runtime, type RequestOf, type ResponseOf } from '@agentpay/api';
import { marketplace, policies, wallets, type Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

type Terms = Omit<RequestOf<typeof runtime.nouns.policies.create>['body'], 'agent_id' | 'idempotency_key'>;

export const handlers = implement(runtime.nouns.policies, ({ core }) => ({
  async evaluate({ principal, body }) {
    const { amount, rail, from_wallet_id: walletId } = body;
    if (walletId !== undefined) await wallets.owned(core.db, { principal, walletId });
    const payees = await payeesOf(core, body);
    const denial = await policies.dryRun(core, { payer: principal.party.id, payees, amount, rail });
    return {
      allowed: denial === undefined,
      code: denial?.code ?? null,
      rule_id: denial?.ruleId ?? null,
      limit: denial?.limit ?? null,
      spent: denial?.spent ?? null,
      remaining: denial?.remaining ?? null,
      resets_at: denial?.resetsAt ?? null,
      needs_approval: denial?.code === 'approval_required',
    };
  },
  async list({ principal, query }) {
    const { agent_id: partyId = principal.party.id, ...wanted } = query;
    const page = await policies.list(core, { principal, partyId, ...wanted });
    return { policies: page.rules.map(showRule), ...counted(page) };
  },
  async create({ principal, body }) {
    const partyId = body.agent_id ?? principal.party.id;
    return showRule(await policies.create(core, { principal, partyId, terms: termsOf(body) }));
  },
  replace: async ({ principal, params: { rule_id: ruleId }, body }) =>
    showRule(await policies.replace(core, { principal, ruleId, terms: termsOf(body) })),
  async remove({ principal, params: { rule_id: ruleId } }) {
    await policies.remove(core, { principal, ruleId });
    return { id: ruleId, deleted: true as const };
  },
}));

/** Every name of a payee that a rule may have. */
async function payeesOf(
  core: Core,
  body: RequestOf<typeof runtime.nouns.policies.evaluate>['body'],
): Promise<string[]> {
  const payees: string[] = [];
  if (body.to_wallet_id !== undefined) {
    const wallet = await wallets.get(core.db, { walletId: body.to_wallet_id });
    payees.push(wallet.ownerId, wallet.id);
  }
  if (body.service_id !== undefined) {
    const service = await marketplace.get(core, { serviceId: body.service_id });
    payees.push(service.providerId, service.payoutWalletId, service.id);
  }
  if (body.to_external !== undefined) payees.push(body.to_external);
  return payees;
}

/** @throws AgentPayError `invalid_request` when the kind of rule needs a field that is missing */
function termsOf(body: Terms): policies.RuleTerms {
  const { kind } = body;
  const need = <Field extends keyof Terms>(field: Field): NonNullable<Terms[Field]> => {
    const value = body[field];
    if (value === undefined)
      throw new AgentPayError('invalid_request', `A rule of kind ${kind} needs ${field}.`, { param: field });
    return value as NonNullable<Terms[Field]>;
  };
  switch (kind) {
    case 'allowlist':
      return { kind, sellers: need('sellers') };
    case 'time_restriction':
      return { kind, hours: body.hours, days: body.days, timeZone: need('time_zone') };
    case 'per_seller_cap':
      return { kind, seller: body.seller, amount: need('amount'), period: body.period };
    case 'categories':
      return { kind, categories: need('categories') };
    case 'rail':
      return { kind, rails: need('rails') };
    case 'kill_switch':
      return { kind };
    default:
      return { kind, amount: need('amount') };
  }
}

type ShownRule = ResponseOf<typeof runtime.nouns.policies.create>;

function showRule(rule: policies.Rule): ShownRule {
  if (rule.kind !== 'time_restriction') return rule as ShownRule;
  const { timeZone, ...rest } = rule;
  return { ...rest, time_zone: timeZone } as ShownRule;
}
