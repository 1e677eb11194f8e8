import { runtime } from '@agentpay/api';
import { approvals, payouts, type Core, type Principal } from '@agentpay/core';
import { isAgentPayError } from '@agentpay/primitives';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { readDestination } from '../readDestination.js';

export const handlers = implement(runtime.nouns.payouts, ({ core }) => ({
  async create({ principal, body, repeatable }) {
    const asked = payouts.create(core, {
      principal,
      fromWalletId: body.from_wallet_id,
      amount: body.amount,
      destination: readDestination(body.destination_type, body.destination),
      description: body.description,
      idempotencyKey: repeatable?.key,
      approvalId: body.approval_id,
    });
    return asked.then(show, (error: unknown) => showWaiting(core, principal, error));
  },
  async list({ principal, query }) {
    const page = await payouts.list(core, { principal, ...query });
    return { payouts: page.payouts.map(show), ...counted(page) };
  },
  get: async ({ principal, params }) =>
    show(await payouts.get(core, { principal, payoutId: params.payout_id })),
  cancel: async ({ principal, params }) =>
    show(await payouts.cancel(core, { principal, payoutId: params.payout_id })),
}));

/** What waits for its owner. @throws what `payouts.create` has thrown for any other reason */
async function showWaiting(core: Core, principal: Principal, error: unknown) {
  const { approvalId } = (isAgentPayError(error, 'policy_denied') && error.details) || {};
  if (typeof approvalId !== 'string') throw error;
  const { status, amount, currency, expiresAt } = await approvals.get(core, { principal, approvalId });
  // One that is decided is no longer waited for: the refusal says what to do.
  if (status !== 'pending') throw error;
  return {
    status: 'pending_approval' as const,
    approval_id: approvalId,
    amount,
    currency,
    expires_at: expiresAt,
  };
}

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
