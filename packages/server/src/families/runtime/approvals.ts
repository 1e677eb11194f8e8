import { runtime } from '@agentpay/api';
import { approvals } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { decideApproval } from '../decideApproval.js';

export const handlers = implement(runtime.nouns.approvals, ({ core }) => ({
  async list({ principal, query }) {
    const page = await approvals.list(core, { principal, ...query });
    return { approvals: page.approvals.map(show), ...counted(page) };
  },
  get: async ({ principal, params }) =>
    show(await approvals.get(core, { principal, approvalId: params.approval_id })),
  approve: async ({ principal, params, body: { note } }) =>
    show(
      await decideApproval(core, {
        principal,
        approvalId: params.approval_id,
        event: 'approve',
        note,
      }),
    ),
  reject: async ({ principal, params, body: { note } }) =>
    show(
      await decideApproval(core, {
        principal,
        approvalId: params.approval_id,
        event: 'reject',
        note,
      }),
    ),
}));

function show(approval: approvals.Approval) {
  return {
    id: approval.id,
    status: approval.status,
    subject: approval.subject,
    agent_id: approval.payerId,
    amount: approval.amount,
    currency: approval.currency,
    payee: approval.payee,
    rail: approval.rail,
    description: approval.description,
    rule_id: approval.ruleId,
    note: approval.note,
    created_at: approval.createdAt,
    expires_at: approval.expiresAt,
    decided_at: approval.decidedAt,
    used_by: approval.usedBy,
  };
}
