import { gateway } from '@agentpay/api';
import { disputes } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.disputes, ({ core }) => ({
  async create({ principal, body: { invoice_id: invoiceId, reason, description } }) {
    const dispute = await disputes.openOnInvoice(core, { principal, invoiceId, reason, description });
    return { dispute_id: dispute.id, status: statusOf(dispute) };
  },
  async list({ principal, query }) {
    const { disputes: found, ...page } = await disputes.list(core, { principal, ...query });
    return { disputes: found.map(shown), ...counted(page) };
  },
  async listAll({ principal, query }) {
    const { disputes: found, ...page } = await disputes.list(core, { principal, ...query });
    return { disputes: found.map(shown), ...counted(page) };
  },
  async resolve({ principal, params, body }) {
    const resolution = body.resolution === 'approved' ? 'refund' : 'deny';
    const request = { principal, disputeId: params.dispute_id, resolution, note: body.note } as const;
    return { status: statusOf(await disputes.resolve(core, request)) };
  },
}));

/** The three states that this API knows of the five. */
function statusOf({ status }: disputes.Dispute): 'open' | 'withdrawn' | 'resolved' {
  if (status === 'withdrawn') return 'withdrawn';
  return status === 'open' || status === 'under_review' ? 'open' : 'resolved';
}

function shown(dispute: disputes.Dispute) {
  const { status } = dispute;
  const denied = status === 'resolved_denied' ? ('denied' as const) : null;
  return {
    id: dispute.id,
    status: statusOf(dispute),
    invoice_id: dispute.invoiceId,
    payment_id: dispute.paymentId,
    agreement_id: dispute.agreementId,
    reason: dispute.reason,
    resolution: status === 'resolved_refunded' ? ('approved' as const) : denied,
    created_at: dispute.createdAt,
    resolved_at: dispute.resolvedAt,
  };
}
