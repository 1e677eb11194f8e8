import { runtime } from '@agentpay/api';
import { payments } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(runtime.nouns.claims, ({ core }) => ({
  async list({ query: { status, ...wanted } }) {
    const { claims, ...rest } = await payments.listClaims(core, { all: status === 'all', ...wanted });
    return { claims: claims.map(show), ...counted(rest) };
  },
}));

function show(claim: payments.RefundClaim) {
  return {
    refund_id: claim.id,
    payment_id: claim.paymentId,
    payee_id: claim.payeeId,
    to_external: claim.payeeExternal,
    currency: claim.currency,
    amount: claim.claimed,
    collected_amount: claim.collected,
    created_at: claim.createdAt,
  };
}
