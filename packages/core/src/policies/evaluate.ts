import type { Amount } from '@agentpay/primitives';
import { isAllowedTime } from './isAllowedTime.js';
import type { PolicySet, Rule, RuleKind } from './Rule.js';
import { endOf, spentIn } from './SpendWindow.js';
import type { Period, SpendWindow } from './SpendWindow.js';

/** A spending that is to be judged. */
export interface Spend {
  readonly payer: string;
  /** All names of the payee: its party, its wallet, the service, an external label. */
  readonly payees: readonly string[];
  /** Base units, without a fee on top. */
  readonly amount: Amount;
  readonly rail: string;
  readonly atMs: number;
  /** Of a usage agreement: the category of its service. */
  readonly agreement?: { readonly category: string | null } | undefined;
  /** Whether its owner has approved it. */
  readonly approved?: boolean;
}

export type DenialCode =
  | 'archived'
  | 'per_transaction_limit'
  | 'daily_limit'
  | 'monthly_limit'
  | 'not_on_allow_list'
  | 'max_amount'
  | 'time_restriction'
  | 'per_seller_cap'
  | 'org_monthly_limit'
  | 'rail_not_allowed'
  | 'kill_switch'
  | 'agreement_cap'
  | 'category_not_allowed'
  | 'approval_required';

/** Why a spending is refused. */
export interface Denial {
  readonly code: DenialCode;
  readonly ruleId: string | null;
  readonly limit: Amount | null;
  /** Spent in the window before. */
  readonly spent: Amount | null;
  readonly remaining: Amount | null;
  /** When the window ends. */
  readonly resetsAt: Date | null;
}

/** What is known when a spending is judged. */
export interface Standing {
  readonly own: PolicySet | undefined;
  readonly orgs: readonly PolicySet[];
  readonly platform: PolicySet | undefined;
  window(partyId: string, scope: string): SpendWindow | undefined;
}

/** Windows of the payer that count a payee. */
export const sellerScope = (payee: string): string => `seller:${payee}`;

const limits: readonly RuleKind[] = ['per_tx', 'daily', 'monthly', 'allowlist'];
const rules: readonly RuleKind[] = [
  'max_amount',
  'agreement_cap',
  'categories',
  'time_restriction',
  'per_seller_cap',
];
const ownRules: readonly RuleKind[] = [...limits, ...rules];
const orgRules: readonly RuleKind[] = [...limits, 'monthly_usdc', ...rules];
const switches: readonly RuleKind[] = ['rail', 'kill_switch'];

/**
 * The verdict of all rules, undefined when none refuses. In this order: archived, per transaction, day, month, allow list, rules,
 * rules of organizations, rail and kill switch, approval. Whether there is money comes after that.
 */
export function evaluate(spend: Spend, standing: Standing): Denial | undefined {
  const { own, orgs, platform } = standing;
  if (own?.archived) return denial('archived');
  const first = (kinds: readonly RuleKind[], sets: readonly (PolicySet | undefined)[]) =>
    firstDenial({ spend, standing }, kinds, sets);
  const all = [own, ...orgs, platform];
  return (
    first(ownRules, [own]) ??
    first(orgRules, orgs) ??
    first(switches, all) ??
    (spend.approved ? undefined : first(['approval_over'], all))
  );
}

/** What stops also an owner who takes their own money out: kill switches alone. */
export function evaluateSwitches(spend: Spend, standing: Standing): Denial | undefined {
  const { own, orgs, platform } = standing;
  return firstDenial({ spend, standing }, ['kill_switch'], [own, ...orgs, platform]);
}

/** Set by set, and in each of them by the order of the kinds. */
function firstDenial(
  judged: Pick<Case, 'spend' | 'standing'>,
  kinds: readonly RuleKind[],
  sets: readonly (PolicySet | undefined)[],
): Denial | undefined {
  for (const set of sets) {
    if (!set || set.rules.length === 0) continue;
    const of: Case = { spend: judged.spend, standing: judged.standing, owner: set.partyId };
    let first: Denial | undefined;
    let firstAt = kinds.length;
    for (const rule of set.rules) {
      const at = kinds.indexOf(rule.kind);
      if (at < 0 || at >= firstAt || rule.active === false) continue;
      const denied = judge(rule, of);
      if (denied) [first, firstAt] = [denied, at];
    }
    if (first) return first;
  }
  return undefined;
}

interface Case {
  readonly spend: Spend;
  readonly standing: Standing;
  /** Whose rule it is: its windows are counted. */
  readonly owner: string;
}

function judge(rule: Rule, { spend, standing, owner }: Case): Denial | undefined {
  const { amount, payees, rail, atMs, agreement } = spend;
  const capped = (code: DenialCode, limit: Amount, period: Period, scope = 'all') => {
    const spent = spentIn(standing.window(owner, scope), period, atMs);
    if (spent + amount <= limit) return undefined;
    const remaining = limit > spent ? limit - spent : 0n;
    return denial(code, rule.id, { limit, spent, remaining, resetsAt: endOf(period, atMs) });
  };
  const above = (code: DenialCode, limit: Amount) =>
    amount > limit ? denial(code, rule.id, { limit, remaining: limit }) : undefined;
  switch (rule.kind) {
    case 'per_tx':
      return above('per_transaction_limit', rule.amount);
    case 'max_amount':
      return above('max_amount', rule.amount);
    case 'agreement_cap':
      return agreement && above('agreement_cap', rule.amount);
    case 'categories':
      return !agreement || rule.categories.includes(agreement.category ?? '')
        ? undefined
        : denial('category_not_allowed', rule.id);
    case 'approval_over':
      return above('approval_required', rule.amount);
    case 'daily':
      return capped('daily_limit', rule.amount, 'day');
    case 'monthly':
      return capped('monthly_limit', rule.amount, 'month');
    case 'monthly_usdc':
      return capped('org_monthly_limit', rule.amount, 'month');
    case 'allowlist':
      return payees.some((payee) => rule.sellers.some((seller) => sameName(payee, seller)))
        ? undefined
        : denial('not_on_allow_list', rule.id);
    case 'time_restriction':
      return isAllowedTime(rule, atMs) ? undefined : denial('time_restriction', rule.id);
    case 'per_seller_cap': {
      const payee = sellerOf(rule, payees);
      if (payee === undefined) return undefined;
      return capped('per_seller_cap', rule.amount, rule.period ?? 'total', sellerScope(payee));
    }
    case 'rail':
      return rule.rails.includes(rail) ? undefined : denial('rail_not_allowed', rule.id);
    case 'kill_switch':
      return denial('kill_switch', rule.id);
  }
}

/** The windows that a spending is counted in. */
export function scopesOf(
  spend: Spend,
  sets: readonly (PolicySet | undefined)[],
): { partyId: string; scope: string }[] {
  const scopes: { partyId: string; scope: string }[] = [];
  const add = (partyId: string, scope: string) => {
    if (!scopes.some((each) => each.partyId === partyId && each.scope === scope))
      scopes.push({ partyId, scope });
  };
  add(spend.payer, 'all');
  for (const set of sets) {
    if (!set || set.partyId === 'platform') continue;
    add(set.partyId, 'all');
    for (const rule of set.rules) {
      if (rule.kind !== 'per_seller_cap') continue;
      const payee = sellerOf(rule, spend.payees);
      if (payee !== undefined) add(set.partyId, sellerScope(payee));
    }
  }
  return scopes;
}

/** The name of the payee by which a cap counts it; undefined when the cap is for another. */
function sellerOf(rule: { readonly seller?: string | undefined }, payees: readonly string[]) {
  const { seller } = rule;
  return seller === undefined ? payees[0] : payees.find((payee) => sameName(payee, seller));
}

/** Addresses are the same in whatever case they are written. */
function sameName(a: string, b: string): boolean {
  return a === b || (a.startsWith('0x') && a.toLowerCase() === b.toLowerCase());
}

function denial(code: DenialCode, ruleId: string | null = null, facts: Partial<Denial> = {}): Denial {
  return { code, ruleId, limit: null, spent: null, remaining: null, resetsAt: null, ...facts };
}
