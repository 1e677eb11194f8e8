import { agreements as family } from '@agentpay/api';
import { agents, approvals, type Core, type Principal } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { decideApproval } from '../decideApproval.js';

export const handlers = implement(family.nouns.approvals, ({ core }) => ({
  async list({ principal, params: { agent_id: agentId }, query }) {
    await agents.overseen(core.db, { principal, agentId });
    const page = await approvals.list(core, { principal, payerId: agentId, ...query });
    return { approvals: page.approvals.map(show), ...counted(page) };
  },
  get: async ({ principal, params }) => show(await asked(core, principal, params)),
  approve: async ({ principal, params, body: { note } }) =>
    show(await decide(core, principal, params, { event: 'approve', note })),
  reject: async ({ principal, params, body: { note } }) =>
    show(await decide(core, principal, params, { event: 'reject', note })),
}));

interface Named {
  readonly agent_id: string;
  readonly request_id: string;
}

/** The approval, if that agent asked for it. @throws AgentPayError `agent_not_found`, `approval_not_found` */
async function asked(
  core: Core,
  principal: Principal,
  { agent_id: agentId, request_id: approvalId }: Named,
): Promise<approvals.Approval> {
  await agents.overseen(core.db, { principal, agentId });
  const approval = await approvals.get(core, { principal, approvalId });
  if (approval.payerId === agentId) return approval;
  throw new AgentPayError('approval_not_found', 'The agent asked for no approval with this id.', {
    param: 'requestId',
  });
}

async function decide(
  core: Core,
  principal: Principal,
  named: Named,
  decision: { readonly event: 'approve' | 'reject'; readonly note?: string | undefined },
): Promise<approvals.Approval> {
  const { id: approvalId } = await asked(core, principal, named);
  return decideApproval(core, { principal, approvalId, ...decision });
}

function show(approval: approvals.Approval) {
  return {
    request_id: approval.id,
    status: approval.status,
    subject: approval.subject,
    agent_id: approval.payerId,
    agreement_id: approval.subject === 'agreement' ? approval.reference : null,
    amount: approval.amount,
    currency: approval.currency,
    payee: approval.payee,
    description: approval.description,
    note: approval.note,
    created_at: approval.createdAt,
    expires_at: approval.expiresAt,
    decided_at: approval.decidedAt,
  };
}
