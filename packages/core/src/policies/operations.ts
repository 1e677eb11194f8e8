import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import { record, wasDone } from '../audit/index.js';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { pageOf } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { find as findParty } from '../parties/index.js';
import type { PartyKind } from '../parties/index.js';
import { checkTerms } from './checkTerms.js';
import { evaluate, scopesOf } from './evaluate.js';
import type { Denial, Spend } from './evaluate.js';
import * as store from './PolicyStore.js';
import type { PolicySet, Rule, RuleTerms } from './Rule.js';
import { spentIn } from './SpendWindow.js';
import type { SpendWindow } from './SpendWindow.js';

const MAX_RULES = 100;

/**
 * The rules of a party, oldest first: its own, or anybody's for the operator of the platform.
 * @throws AgentPayError `agent_not_found` for a party that does not exist or is not the caller's
 */
export async function list(
  core: Core,
  request: { principal: Principal; partyId: string } & PageRequest,
): Promise<{ rules: Rule[] } & Counted> {
  const { principal, partyId } = request;
  await assertMayRead(core.db, principal, partyId);
  const rules = [...(await rulesOf(core.db, { partyId }))].sort((a, b) => compareIds(a.id, b.id));
  const key = { of: ({ id }: Rule) => id, compare: compareIds, isKey: (text: string) => isId('rule', text) };
  const { rows, ...counted } = pageOf(rules, page(request), key);
  return { rules: rows, ...counted };
}

/** Ids sort by the time at which they were made. */
function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * Makes a rule for a party. Only the operator of the platform does: an agent must not loosen its own limits.
 * @throws AgentPayError `forbidden`, `agent_not_found`, `invalid_request`, `invalid_amount`, `conflict` for more than 100 rules
 */
export async function create(
  core: Core,
  { principal, partyId, terms }: { principal: Principal; partyId: string; terms: RuleTerms },
): Promise<Rule> {
  requireParty(principal, 'platform');
  checkTerms(terms);
  const rule: Rule = { ...terms, id: newId('rule', core) };
  const changed = (set: PolicySet) => {
    if (set.rules.length >= MAX_RULES) throw tooMany();
    return { ...set, rules: [...set.rules, rule] };
  };
  await change(core, { principal, partyId, rule }, changed);
  return rule;
}

/** Replaces the terms of a rule; its id stays. @throws AgentPayError as {@link create}, `rule_not_found` */
export async function replace(
  core: Core,
  { principal, ruleId, terms }: { principal: Principal; ruleId: string; terms: RuleTerms },
): Promise<Rule> {
  requireParty(principal, 'platform');
  checkTerms(terms);
  const rule: Rule = { ...terms, id: ruleId };
  const changed = (rules: readonly Rule[]) => rules.map((each) => (each.id === ruleId ? rule : each));
  await changeOwner(core, { principal, ruleId, rule }, changed);
  return rule;
}

/** Takes a rule away; again changes nothing. @throws AgentPayError `forbidden`, `rule_not_found` */
export async function remove(
  core: Core,
  { principal, ruleId }: { principal: Principal; ruleId: string },
): Promise<void> {
  requireParty(principal, 'platform');
  await changeOwner(core, { principal, ruleId }, (rules) => rules.filter(({ id }) => id !== ruleId));
}

/** Adds rules to those of a party, inside the caller's transaction. @throws AgentPayError as {@link create}, but for `forbidden` */
export async function addRules(
  core: Core,
  tx: Tx,
  { partyId, terms }: { partyId: string; terms: readonly RuleTerms[] },
): Promise<readonly Rule[]> {
  terms.forEach(checkTerms);
  const rules = terms.map((each): Rule => ({ ...each, id: newId('rule', core) }));
  const set = await store.lockSet(tx, partyId);
  if (set.rules.length + rules.length > MAX_RULES) throw tooMany();
  await store.saveSet(tx, { ...set, rules: [...set.rules, ...rules] });
  return rules;
}

/** Takes rules of a party away, inside the caller's transaction. */
export async function removeRules(
  tx: Tx,
  { partyId, ruleIds }: { partyId: string; ruleIds: readonly string[] },
): Promise<void> {
  const set = await store.lockSet(tx, partyId);
  await store.saveSet(tx, { ...set, rules: set.rules.filter(({ id }) => !ruleIds.includes(id)) });
}

/**
 * Changes the rules that the owner of a party has set, inside the caller's transaction; those of the operator stay as they are.
 * @throws AgentPayError as {@link addRules}
 */
export async function changeOwnerRules(
  tx: Tx,
  { partyId, change: changed }: { partyId: string; change: (rules: readonly Rule[]) => readonly Rule[] },
): Promise<readonly Rule[]> {
  const set = await store.lockSet(tx, partyId);
  const own = changed(set.rules.filter(isOwners)).map((rule): Rule => ({ ...rule, setBy: 'owner' }));
  own.forEach(checkTerms);
  const rules = [...set.rules.filter((rule) => !isOwners(rule)), ...own];
  if (rules.length > MAX_RULES) throw tooMany();
  await store.saveSet(tx, { ...set, rules });
  return own;
}

/** The rules that the owner of a party has set. */
export async function ownerRulesOf(
  db: Queryable,
  { partyId }: { partyId: string },
): Promise<readonly Rule[]> {
  return (await rulesOf(db, { partyId })).filter(isOwners);
}

function isOwners({ setBy }: Rule): boolean {
  return setBy === 'owner';
}

/** The rules of a party. */
export async function rulesOf(db: Queryable, { partyId }: { partyId: string }): Promise<readonly Rule[]> {
  return (await store.findSet(db, partyId))?.rules ?? [];
}

/** What a party has spent. */
export type PartySpending = Pick<SpendWindow, 'partyId' | 'totalSpent' | 'since'> & {
  /** In the calendar month (UTC) of the moment that was asked for. */
  readonly monthSpent: Amount;
};

/** What each of these parties has spent; one that has spent nothing is left out. */
export async function spendingOf(
  db: Queryable,
  { partyIds, atMs }: { partyIds: readonly string[]; atMs: number },
): Promise<PartySpending[]> {
  const found = await store.selectSpending(db, partyIds);
  return found.map((window) => ({ ...window, monthSpent: spentIn(window, 'month', atMs) }));
}

/** What all parties of these kinds have spent. */
export async function spendingOfKinds(
  db: Queryable,
  { kinds, atMs }: { kinds: readonly PartyKind[]; atMs: number },
): Promise<PartySpending[]> {
  const found = await store.selectSpendingOfKinds(db, kinds);
  return found.map((window) => ({ ...window, monthSpent: spentIn(window, 'month', atMs) }));
}

/** Ends (or takes up again) all spending of a party, inside the caller's transaction. */
export async function setArchived(
  tx: Tx,
  { partyId, archived }: { partyId: string; archived: boolean },
): Promise<void> {
  await store.saveSet(tx, { ...(await store.lockSet(tx, partyId)), archived });
}

/** Puts a party under the rules of organizations, inside the caller's transaction. */
export async function setOrgs(
  tx: Tx,
  { partyId, orgs }: { partyId: string; orgs: readonly string[] },
): Promise<void> {
  await store.saveSet(tx, { ...(await store.lockSet(tx, partyId)), orgs });
}

/** The verdict that a spending would get now; nothing is reserved. Whether there is money is not asked. */
export async function dryRun(core: Core, spend: Omit<Spend, 'atMs'>): Promise<Denial | undefined> {
  const own = await store.findSet(core.db, spend.payer);
  const orgs = await Promise.all((own?.orgs ?? []).map((org) => store.findSet(core.db, org)));
  const platform = await store.findSet(core.db, 'platform');
  const judged = { ...spend, atMs: core.clock.now() };
  const scopes = scopesOf(judged, [own, ...orgs]);
  const found = await Promise.all(scopes.map((scope) => store.windows.table.find(core.db, scope)));
  const window = (partyId: string, scope: string) =>
    found.find((each) => each?.partyId === partyId && each.scope === scope);
  return evaluate(judged, { own, orgs: orgs.flatMap((set) => set ?? []), platform, window });
}

async function change(
  core: Core,
  { principal, partyId, rule }: { principal: Principal; partyId: string; rule: Rule },
  changed: (set: PolicySet) => PolicySet,
): Promise<void> {
  await core.db.tx(async (tx) => {
    if (!(await findParty(tx, { partyId }))) throw notFound();
    await store.saveSet(tx, changed(await store.lockSet(tx, partyId)));
    await noteRule(core, tx, { principal, partyId, after: rule });
  });
}

/** Acts that take a rule away. */
const REMOVALS = ['policy.remove', 'kill_switch.off'];

/** Whether there was such a rule, of this party where one is named, and it was taken away. */
export function wasRemoved(
  db: Queryable,
  { ruleId, partyId }: { ruleId: string; partyId?: string },
): Promise<boolean> {
  return wasDone(db, { acts: REMOVALS, subject: ruleId, tenantId: partyId });
}

/** Notes what became of a rule, inside the transaction that changes it. */
export async function noteRule(
  core: Core,
  tx: Tx,
  done: { principal: Principal; partyId: string; before?: Rule | undefined; after?: Rule | undefined },
): Promise<void> {
  const { principal, partyId, before, after } = done;
  const { id: subject, kind } = (after ?? before) as Rule;
  const verb = before && after ? 'replace' : after ? 'create' : 'remove';
  const act = kind === 'kill_switch' ? `kill_switch.${after ? 'on' : 'off'}` : `policy.${verb}`;
  await record(core, tx, { principal, act, subject, tenants: [partyId], before, after });
}

async function changeOwner(
  core: Core,
  { principal, ruleId, rule }: { principal: Principal; ruleId: string; rule?: Rule },
  changed: (rules: readonly Rule[]) => Rule[],
): Promise<void> {
  const noRule = () => new AgentPayError('rule_not_found', 'There is no rule with this id.');
  await core.db.tx(async (tx) => {
    const partyId = isId('rule', ruleId) ? await store.findOwner(tx, ruleId) : undefined;
    const set = partyId === undefined ? undefined : await store.lockSet(tx, partyId);
    const before = set?.rules.find(({ id }) => id === ruleId);
    if (!set || !before) {
      // Gone is what whoever takes it away once more wants.
      if (rule === undefined && (await wasRemoved(tx, { ruleId }))) return;
      throw noRule();
    }
    await store.saveSet(tx, { ...set, rules: changed(set.rules) });
    await noteRule(core, tx, { principal, partyId: set.partyId, before, after: rule });
  });
}

async function assertMayRead(db: Queryable, principal: Principal, partyId: string): Promise<void> {
  const own = principal.party.id === partyId;
  if (own) return;
  if (principal.party.kind !== 'platform' || !(await findParty(db, { partyId }))) throw notFound();
}

function tooMany(): AgentPayError {
  return new AgentPayError('conflict', `A party has at most ${MAX_RULES} rules.`);
}

function notFound(): AgentPayError {
  return new AgentPayError('agent_not_found', 'You have no agent with this id.');
}
