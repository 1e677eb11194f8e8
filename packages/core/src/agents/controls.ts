import { AgentPayError, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { record } from '../audit/index.js';
import { changeOwnerRules, noteRule, ownerRulesOf, wasRemoved } from '../policies/index.js';
import type { Rule, RuleTerms } from '../policies/index.js';
import { owned } from './owned.js';
import type { OfOwned } from './owned.js';

/** Most that an agent spends, in base units; 0: no limit. Days and months are those of UTC. */
export interface AgentLimits {
  readonly perTransaction: Amount;
  readonly daily: Amount;
  readonly monthly: Amount;
}

/** What the owner of an agent has set. */
export interface AgentControls {
  readonly limits: AgentLimits;
  /** The only addresses that may be paid; empty: any. */
  readonly allowList: readonly string[];
  /** Oldest first. */
  readonly rules: readonly Rule[];
}

const limitKinds = { perTransaction: 'per_tx', daily: 'daily', monthly: 'monthly' } as const;
const limitNames = Object.keys(limitKinds) as (keyof AgentLimits)[];

/** Kinds of rules that an owner makes one by one. */
const ruleKinds: readonly Rule['kind'][] = [
  'max_amount',
  'time_restriction',
  'per_seller_cap',
  'approval_over',
];

/** @throws AgentPayError `agent_not_found` */
export async function controlsOf(core: Core, request: OfOwned): Promise<AgentControls> {
  const { id: partyId } = await owned(core.db, request);
  return shown(await ownerRulesOf(core.db, { partyId }));
}

/** Sets the limits that are given; the others stay. @throws AgentPayError `agent_not_found`, `invalid_amount` */
export async function setLimits(
  core: Core,
  request: OfOwned & { limits: { readonly [Name in keyof AgentLimits]?: Amount | undefined } },
): Promise<AgentLimits> {
  const given = limitNames.filter((name) => request.limits[name] !== undefined);
  const made = given.map((name): Rule => ({
    id: newId('rule', core),
    kind: limitKinds[name],
    amount: request.limits[name] as Amount,
  }));
  const { limits } = await change(core, request, {
    act: 'agent.limits',
    told: (controls) => controls.limits,
    changed: (rules) => [
      ...rules.filter(({ kind }) => !given.some((name) => limitKinds[name] === kind)),
      ...made.filter((rule) => 'amount' in rule && rule.amount !== 0n),
    ],
  });
  return limits;
}

/** Sets who may be paid. @throws AgentPayError `agent_not_found`, `invalid_request` */
export async function setAllowList(
  core: Core,
  request: OfOwned & { sellers: readonly string[] },
): Promise<readonly string[]> {
  const sellers = [...new Set(request.sellers)];
  const made: Rule[] = sellers.length === 0 ? [] : [{ id: newId('rule', core), kind: 'allowlist', sellers }];
  const { allowList } = await change(core, request, {
    act: 'agent.allow_list',
    told: (controls) => ({ allowList: controls.allowList }),
    changed: (rules) => [...rules.filter(({ kind }) => kind !== 'allowlist'), ...made],
  });
  return allowList;
}

/** @throws AgentPayError `agent_not_found`, `invalid_request`, `invalid_amount`, `conflict` for more than 100 rules */
export async function createRule(
  core: Core,
  request: OfOwned & { terms: RuleTerms; active: boolean },
): Promise<Rule> {
  const rule: Rule = { ...request.terms, id: newId('rule', core), active: request.active };
  await changeRule(core, request, { ruleId: rule.id, changed: (rules) => [...rules, rule] });
  return rule;
}

/** Changes the terms of a rule, or whether it is enforced. @throws AgentPayError as {@link createRule}, `rule_not_found` */
export async function updateRule(
  core: Core,
  request: OfOwned & {
    ruleId: string;
    terms?: ((rule: Rule) => RuleTerms) | undefined;
    active?: boolean | undefined;
  },
): Promise<Rule> {
  const { ruleId, terms = (rule) => rule, active } = request;
  const changed = await changeRule(core, request, {
    ruleId,
    changed: (kept) => {
      found(shown(kept).rules, ruleId);
      return kept.map((rule) =>
        rule.id === ruleId ? { ...terms(rule), id: ruleId, active: active ?? rule.active ?? true } : rule,
      );
    },
  });
  return changed as Rule;
}

/** Takes a rule away; again changes nothing. @throws AgentPayError `agent_not_found`, `rule_not_found` */
export async function removeRule(core: Core, request: OfOwned & { ruleId: string }): Promise<void> {
  const { ruleId } = request;
  await changeRule(core, request, {
    ruleId,
    changed: (rules) => rules.filter(({ id, kind }) => id !== ruleId || !ruleKinds.includes(kind)),
  });
}

/** Changes what the owner has set as a whole, and notes it. */
async function change(
  core: Core,
  request: OfOwned,
  how: {
    act: string;
    /** What the note shows of it, before and after. */
    told: (controls: AgentControls) => object;
    changed: (rules: readonly Rule[]) => readonly Rule[];
  },
): Promise<AgentControls> {
  const { act, told, changed } = how;
  return core.db.tx(async (tx) => {
    const { id: partyId } = await owned(tx, request);
    let before = shown([]);
    const rules = await changeOwnerRules(tx, {
      partyId,
      change: (kept) => {
        before = shown(kept);
        return changed(kept);
      },
    });
    const after = shown(rules);
    const { principal } = request;
    const shownOf = { before: told(before), after: told(after) };
    await record(core, tx, { principal, act, subject: partyId, tenants: [partyId], ...shownOf });
    return after;
  });
}

/** Makes, changes or takes away one rule, and notes it. Taking away what was taken away changes nothing. */
async function changeRule(
  core: Core,
  request: OfOwned,
  { ruleId, changed }: { ruleId: string; changed: (rules: readonly Rule[]) => readonly Rule[] },
): Promise<Rule | undefined> {
  return core.db.tx(async (tx) => {
    const { id: partyId } = await owned(tx, request);
    const itself = ({ id, kind }: Rule) => id === ruleId && ruleKinds.includes(kind);
    let before: Rule | undefined;
    const rules = await changeOwnerRules(tx, {
      partyId,
      change: (kept) => {
        before = kept.find(itself);
        return changed(kept);
      },
    });
    const after = rules.find(itself);
    if (before || after) await noteRule(core, tx, { principal: request.principal, partyId, before, after });
    else if (!(await wasRemoved(tx, { ruleId, partyId }))) throw noRule();
    return after;
  });
}

function shown(rules: readonly Rule[]): AgentControls {
  const limit = (kind: Rule['kind']) => {
    const rule = rules.find((each) => each.kind === kind);
    return rule && 'amount' in rule ? rule.amount : 0n;
  };
  return {
    limits: { perTransaction: limit('per_tx'), daily: limit('daily'), monthly: limit('monthly') },
    allowList: rules.flatMap((rule) => (rule.kind === 'allowlist' ? rule.sellers : [])),
    rules: rules.filter(({ kind }) => ruleKinds.includes(kind)),
  };
}

function found(rules: readonly Rule[], ruleId: string): Rule {
  const rule = rules.find(({ id }) => id === ruleId);
  if (rule) return rule;
  throw noRule();
}

function noRule(): AgentPayError {
  return new AgentPayError('rule_not_found', 'The agent has no rule with this id.');
}
