import { AgentPayError, isAgentPayError, isId, newId } from '@agentpay/primitives';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { emit } from '../events/index.js';
import type { Principal } from '../identity/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { addRules, removeRules, rulesOf } from '../policies/index.js';
import type { Rule, RuleTerms } from '../policies/index.js';
import { checkText } from '../text.js';
import { policyEnforced } from './events.js';
import { audienceOf, requireMember } from './members.js';
import type { OfOrg } from './members.js';
import * as store from './OrgStore.js';
import type { OrgPolicy, PolicyLog } from './OrgStore.js';

/** A policy with the rules of the engine that it consists of. */
export type PolicyWithRules = OrgPolicy & { readonly rules: readonly Rule[] };

/**
 * Puts everything that the organization and its gateways spend under rules, from now on.
 * @throws AgentPayError `org_not_found`, `forbidden`, `invalid_request` without rules, `invalid_amount`, `conflict` for more than 100 rules
 */
export async function createPolicy(
  core: Core,
  request: OfOrg & { name: string; terms: readonly RuleTerms[] },
): Promise<PolicyWithRules> {
  const name = checkText('name', request.name);
  if (request.terms.length === 0)
    throw new AgentPayError('invalid_request', 'A policy has at least one rule.', { param: 'rules' });
  return core.db.tx(async (tx) => {
    const { org } = await requireMember(tx, request, 'policies');
    const rules = await addRules(core, tx, { partyId: org.id, terms: request.terms });
    const policy: OrgPolicy = {
      id: newId('policy', core),
      orgId: org.id,
      name,
      ruleIds: rules.map(({ id }) => id),
      status: 'active',
      createdAt: new Date(core.clock.now()),
    };
    await store.policies.insert(tx, policy);
    const { principal } = request;
    const act = { principal, act: 'org_policy.create', subject: policy.id, tenants: [org.id] };
    await record(core, tx, { ...act, after: { name, rules } });
    return { ...policy, rules };
  });
}

/** The organization's policies, newest first. @throws AgentPayError `org_not_found` */
export async function listPolicies(
  core: Core,
  request: OfOrg & PageRequest,
): Promise<{ policies: PolicyWithRules[] } & Counted> {
  const { org } = await requireMember(core.db, request, 'read');
  const rules = await rulesOf(core.db, { partyId: org.id });
  const { rows, ...counted } = await store.policies.page(core.db, {
    where: `org_id = $1 and status = 'active'`,
    params: [org.id],
    order: newestFirst,
    ...page(request),
  });
  const withRules = (policy: OrgPolicy) => ({
    ...policy,
    rules: rules.filter(({ id }) => policy.ruleIds.includes(id)),
  });
  return { policies: rows.map(withRules), ...counted };
}

/**
 * Takes a policy's rules away; its log stays. Again changes nothing.
 * @throws AgentPayError `org_not_found`, `forbidden`, `policy_not_found`
 */
export function removePolicy(core: Core, request: OfOrg & { policyId: string }): Promise<OrgPolicy> {
  const { orgId, policyId } = request;
  return core.db.tx(async (tx) => {
    await requireMember(tx, request, 'policies');
    const policy = isId('policy', policyId)
      ? await store.policies.lock(tx, { id: policyId, orgId })
      : undefined;
    if (!policy) throw new AgentPayError('policy_not_found', 'The organization has no policy with this id.');
    if (policy.status === 'deleted') return policy;
    await removeRules(tx, { partyId: orgId, ruleIds: policy.ruleIds });
    const [removed] = await store.policies.update(tx, { id: policyId }, { status: 'deleted' });
    const { principal } = request;
    const act = { principal, act: 'org_policy.remove', subject: policyId, tenants: [orgId] };
    await record(core, tx, { ...act, before: { name: policy.name, rule_ids: policy.ruleIds } });
    return removed as OrgPolicy;
  });
}

/** What the organization's policies stopped, newest first. @throws AgentPayError `org_not_found` */
export async function policyLogs(
  core: Core,
  request: OfOrg & PageRequest,
): Promise<{ logs: PolicyLog[] } & Counted> {
  await requireMember(core.db, request, 'read');
  const { rows, ...counted } = await store.policyLogs.page(core.db, {
    where: 'org_id = $1',
    params: [request.orgId],
    order: newestFirst,
    ...page(request),
  });
  return { logs: rows, ...counted };
}

/**
 * Notes a refusal by the rules of an organization; any other error is none. To be called outside of the transaction that the refusal
 * ended, before its caller is told.
 */
export async function noteRefusal(
  core: Core,
  { principal, error }: { principal: Principal; error: unknown },
): Promise<void> {
  if (!isAgentPayError(error, 'policy_denied') || typeof error.details?.['ruleId'] !== 'string') return;
  const { ruleId, limit, spent } = error.details;
  const policy = await store.findPolicyOfRule(core.db, ruleId);
  if (!policy) return;
  const amountOf = (value: unknown) => (typeof value === 'bigint' ? value : null);
  const log: PolicyLog = {
    id: newId('policy_log', core),
    orgId: policy.orgId,
    policyId: policy.id,
    ruleId,
    partyId: principal.party.id,
    action: 'enforced',
    reason: error.reason ?? 'policy_denied',
    cap: amountOf(limit),
    spent: amountOf(spent),
    createdAt: new Date(core.clock.now()),
  };
  await core.db.tx(async (tx) => {
    await store.policyLogs.insert(tx, log);
    const { id, orgId, policyId, partyId, reason } = log;
    const audience = await audienceOf(tx, orgId, 'policies');
    const object = { id, org_id: orgId, policy_id: policyId, party_id: partyId, reason };
    await emit(core, tx, policyEnforced, { subject: policyId, audience, object });
  });
}
