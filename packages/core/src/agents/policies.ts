import { newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { changeOwnerRules, ownerRulesOf } from '../policies/index.js';
import type { Rule, RuleTerms } from '../policies/index.js';
import { governed, overseen } from './owned.js';
import type { OfOwned } from './owned.js';

/** What the owner of an agent allows it, as rules of the one engine. Null: no such rule. */
export interface AgentPolicies {
  /** What costs more waits for the owner. */
  readonly requireApprovalOver: Amount | null;
  readonly maxAgreementCap: Amount | null;
  /** The only categories of services that it agrees on. */
  readonly allowedCategories: readonly string[] | null;
  /** Everybody that it may pay: ids of agents, wallets or services, addresses, labels. */
  readonly allowedSellers: readonly string[] | null;
  /** Per calendar day and month in UTC. */
  readonly dailyLimit: Amount | null;
  readonly monthlyLimit: Amount | null;
}

type Names = keyof AgentPolicies;

const kinds = {
  requireApprovalOver: 'approval_over',
  maxAgreementCap: 'agreement_cap',
  allowedCategories: 'categories',
  allowedSellers: 'allowlist',
  dailyLimit: 'daily',
  monthlyLimit: 'monthly',
} as const satisfies Record<Names, Rule['kind']>;
const names = Object.keys(kinds) as Names[];

/** For the owner, the operator, and the agent itself. @throws AgentPayError `agent_not_found` */
export async function policiesOf(core: Core, request: OfOwned): Promise<AgentPolicies> {
  const { id: partyId } = await overseen(core.db, request);
  return shown(await ownerRulesOf(core.db, { partyId }));
}

/**
 * Sets the policies that are given; null takes one away, the others stay. They are the same rules as the limits and the allow list of
 * the agent. For the owner and the operator.
 * @throws AgentPayError `agent_not_found`, `invalid_request`, `invalid_amount`
 */
export async function setPolicies(
  core: Core,
  request: OfOwned & { policies: { readonly [Name in Names]?: AgentPolicies[Name] | undefined } },
): Promise<AgentPolicies> {
  const { policies, principal } = request;
  const given = names.filter((name) => policies[name] !== undefined);
  const made = given.flatMap((name): Rule[] => {
    const terms = termsOf(name, policies[name] ?? null);
    return terms ? [{ ...terms, id: newId('rule', core) }] : [];
  });
  return core.db.tx(async (tx) => {
    const { id: partyId } = await governed(tx, request);
    const before = shown(await ownerRulesOf(tx, { partyId }));
    const isGiven = ({ kind }: Rule) => given.some((name) => kinds[name] === kind);
    const change = (rules: readonly Rule[]) => [...rules.filter((rule) => !isGiven(rule)), ...made];
    const after = shown(await changeOwnerRules(tx, { partyId, change }));
    const act = 'agent.policies';
    await record(core, tx, { principal, act, subject: partyId, tenants: [partyId], before, after });
    return after;
  });
}

function termsOf(name: Names, value: Amount | readonly string[] | null): RuleTerms | undefined {
  if (value === null) return undefined;
  if (typeof value === 'bigint') return { kind: kinds[name], amount: value } as RuleTerms;
  const texts = [...new Set(value)];
  return name === 'allowedSellers'
    ? { kind: 'allowlist', sellers: texts }
    : { kind: 'categories', categories: texts };
}

function shown(rules: readonly Rule[]): AgentPolicies {
  const of = (name: Names) => rules.find(({ kind }) => kind === kinds[name]);
  const amount = (name: Names) => {
    const rule = of(name);
    return rule && 'amount' in rule ? rule.amount : null;
  };
  const texts = (name: Names) => {
    const rule = of(name);
    if (rule?.kind === 'allowlist') return rule.sellers;
    return rule?.kind === 'categories' ? rule.categories : null;
  };
  return {
    requireApprovalOver: amount('requireApprovalOver'),
    maxAgreementCap: amount('maxAgreementCap'),
    allowedCategories: texts('allowedCategories'),
    allowedSellers: texts('allowedSellers'),
    dailyLimit: amount('dailyLimit'),
    monthlyLimit: amount('monthlyLimit'),
  };
}
