import { buyer } from '@agentpay/api';
import { agents, approvals, purchases, type Core, type Principal } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { decideApproval } from '../decideApproval.js';
import { asAgent } from './asAgent.js';
import { showBought } from './showBought.js';

export const handlers = implement(buyer.nouns.approvals, ({ core }) => {
  /** @throws AgentPayError `agent_not_found`, `approval_not_found` */
  async function decide(
    event: 'approve' | 'reject',
    { principal, params }: { principal: Principal; params: { id: string; approval_id: string } },
    note: string | undefined,
  ) {
    const agent = await agents.actFor(core.db, { principal, agentId: params.id });
    const { approval_id: approvalId } = params;
    // Also one of another agent of the same owner is none of this one.
    await approvals.get(core, { principal: agent, approvalId });
    const decided = await decideApproval(core, { principal, approvalId, event, note });
    return show(decided, await purchases.ofApproval(core.db, { principal: agent, approvalId }));
  }

  return {
    async list({ principal, params, query }) {
      const agent = await asAgent(core, principal, params.id);
      const page = await approvals.list(core, { principal: agent, ...query });
      const about = (approvalId: string) => purchases.ofApproval(core.db, { principal: agent, approvalId });
      const shown = page.approvals.map(async (approval) => show(approval, await about(approval.id)));
      return { approvals: await Promise.all(shown), ...counted(page) };
    },
    async get({ principal, params: { id, approval_id: approvalId } }) {
      const agent = await asAgent(core, principal, id);
      const approval = await approvals.get(core, { principal: agent, approvalId });
      const purchase = await purchases.ofApproval(core.db, { principal: agent, approvalId });
      return { ...show(approval, purchase), ...outcomeOf(core, approval, purchase) };
    },
    approve: (call) => decide('approve', call, call.body.note),
    reject: (call) => decide('reject', call, call.body.note),
  };
});

function show(approval: approvals.Approval, purchase: purchases.Purchase | undefined) {
  const { id, status, amount, currency, payee: payTo, rail: protocol, note } = approval;
  const { createdAt, expiresAt, decidedAt } = approval;
  const call = { method: purchase?.method ?? null, sellerUrl: purchase?.url ?? null };
  return { id, status, amount, currency, payTo, protocol, ...call, note, createdAt, expiresAt, decidedAt };
}

/** What came of the call that waits or waited. */
function outcomeOf(core: Core, { status }: approvals.Approval, purchase: purchases.Purchase | undefined) {
  const nothing = { reason: null, result: null };
  if (!purchase)
    return { outcome: status === 'pending' ? ('waiting' as const) : ('failed' as const), ...nothing };
  const { state, sellerStatus, response: body, contentType, failure } = purchase;
  if (state === 'quoted' && status === 'pending') return { outcome: 'waiting' as const, ...nothing };
  if (sellerStatus !== null) {
    const kept = body && { status: sellerStatus, contentType, body, truncated: false };
    const result = kept && showBought(core, { purchase, response: kept });
    return { outcome: 'paid' as const, reason: null, result };
  }
  const ended = ['rejected', 'released', 'refused', 'confirmed'].includes(state);
  if (!ended) return { outcome: 'in_progress' as const, ...nothing };
  return { outcome: 'failed' as const, reason: failure ?? 'no_response', result: null };
}
