import { runtime } from '@agentpay/api';
import { payments } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(runtime.nouns.payments, ({ core }) => ({
  async create({ principal, body, repeatable }) {
    const payment = await payments.create(core, {
      principal,
      fromWalletId: body.from_wallet_id,
      toWalletId: body.to_wallet_id,
      toExternal: body.to_external,
      amount: body.amount,
      currency: body.currency,
      rail: body.rail,
      description: body.description,
      idempotencyKey: repeatable?.key,
      approvalId: body.approval_id,
    });
    return showPayment(payment);
  },
  get: async ({ principal, params }) =>
    showPayment(await payments.get(core, { principal, paymentId: params.payment_id })),
  async list({ principal, query }) {
    const { created_after: createdAfter, created_before: createdBefore, ...rest } = query;
    const page = await payments.list(core, { principal, createdAfter, createdBefore, ...rest });
    return { payments: page.payments.map(showPayment), ...counted(page) };
  },
  async refund({ principal, params, body: { amount, reason, to_external: toExternal } }) {
    const refund = { principal, paymentId: params.payment_id, amount, reason, toExternal };
    return showPayment(await payments.refund(core, refund));
  },
}));

function showPayment(payment: payments.Payment) {
  return {
    id: payment.id,
    amount: payment.amount,
    fee: payment.fee,
    total_debited: payments.totalDebited(payment),
    currency: payment.currency,
    rail: payment.rail,
    status: payment.status,
    from_wallet_id: payment.payerWalletId,
    to_wallet_id: payment.payeeWalletId,
    to_external: payment.payeeExternal,
    description: payment.description,
    service_id: payment.serviceId,
    refunded_amount: payment.refunded,
    refunding_amount: payment.refunding,
    reference: payment.reference,
    failure: payment.failure,
    created_at: payment.createdAt,
    completed_at: payment.completedAt,
  };
}
