import { runtime } from '@agentpay/api';
import { payouts } from '@agentpay/core';
import { implement } from '../../http/implement.js';
import { readDestination } from '../readDestination.js';

export const handlers = implement(runtime.nouns.payouts, ({ core }) => ({
  async create({ principal, body, repeatable }) {
    const payout = await payouts.create(core, {
      principal,
      fromWalletId: body.from_wallet_id,
      amount: body.amount,
      destination: readDestination(body.destination_type, body.destination),
      description: body.description,
      idempotencyKey: repeatable?.key,
      approvalId: body.approval_id,
    });
    return show(payout);
  },
  async list({ principal, query }) {
    const page = await payouts.list(core, { principal, ...query });
    return { payouts: page.payouts.map(show), total: page.total };
  },
  get: async ({ principal, params }) =>
    show(await payouts.get(core, { principal, payoutId: params.payout_id })),
  cancel: async ({ principal, params }) =>
    show(await payouts.cancel(core, { principal, payoutId: params.payout_id })),
}));

function show(payout: payouts.Payout) {
  return {
    id: payout.id,
    status: payout.status,
    amount: payout.amount,
    currency: payout.currency,
    destination_type: payout.destinationType,
    destination: { ...payout.shown },
    from_wallet_id: payout.walletId,
    description: payout.description,
    reference: payout.reference,
    failure: payout.failure,
    estimated_arrival: payout.estimatedArrival,
    created_at: payout.createdAt,
    ended_at: payout.endedAt,
  };
}
