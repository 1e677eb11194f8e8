import { runtime } from '@agentpay/api';
import { disputes } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(runtime.nouns.disputes, ({ core }) => ({
  create: async ({ principal, body: { payment_id: paymentId, reason, description } }) =>
    show(await disputes.open(core, { principal, paymentId, reason, description })),
  async list({ principal, query }) {
    const page = await disputes.list(core, { principal, about: 'payment', ...query });
    return { disputes: page.disputes.map(show), ...counted(page) };
  },
  async get({ principal, params }) {
    const { dispute, evidence } = await disputes.get(core, { principal, disputeId: params.dispute_id });
    return { ...show(dispute), evidence: evidence.map(showEvidence) };
  },
  addEvidence: async ({ principal, params, body }) =>
    showEvidence(await disputes.addEvidence(core, { principal, disputeId: params.dispute_id, ...body })),
  withdraw: async ({ principal, params }) =>
    show(await disputes.withdraw(core, { principal, disputeId: params.dispute_id })),
  review: async ({ principal, params }) =>
    show(await disputes.review(core, { principal, disputeId: params.dispute_id })),
  resolve: async ({ principal, params, body: { refund_amount: refundAmount, ...decision } }) =>
    show(
      await disputes.resolve(core, { principal, disputeId: params.dispute_id, refundAmount, ...decision }),
    ),
}));

function show(dispute: disputes.Dispute) {
  return {
    id: dispute.id,
    status: dispute.status,
    payment_id: dispute.paymentId,
    agreement_id: dispute.agreementId,
    reason: dispute.reason,
    description: dispute.description,
    note: dispute.note,
    created_at: dispute.createdAt,
    resolved_at: dispute.resolvedAt,
  };
}

function showEvidence({ id, disputeId, partyId, type, content, createdAt }: disputes.Evidence) {
  return { id, dispute_id: disputeId, party_id: partyId, type, content, created_at: createdAt };
}
