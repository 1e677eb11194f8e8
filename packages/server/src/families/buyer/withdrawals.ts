import { buyer } from '@agentpay/api';
import { agents, custody, purchases, type Core } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(buyer.nouns.withdrawals, ({ core }) => ({
  async create({ principal, params, body }) {
    const agent = await agents.actFor(core.db, { principal, agentId: params.id });
    return show(core, await purchases.prepareWithdrawal(core, { principal: agent, ...body }));
  },
  async get({ principal, params: { id: agentId, withdrawal_id: withdrawalId } }) {
    const agent = await agents.actFor(core.db, { principal, agentId });
    return show(core, await purchases.getWithdrawal(core, { principal: agent, withdrawalId }));
  },
  async confirm({ principal, params: { id: agentId, withdrawal_id: withdrawalId } }) {
    const agent = await agents.actFor(core.db, { principal, agentId });
    return show(core, await purchases.confirmWithdrawal(core, { principal: agent, withdrawalId }));
  },
}));

function show(core: Core, withdrawal: purchases.Purchase) {
  const { id, reference: txHash, createdAt } = withdrawal;
  const terms = withdrawal.terms as purchases.PurchaseTerms;
  const { network } = custody.chainOf(core, terms.network);
  const expiresAt = purchases.confirmableUntil(withdrawal);
  return {
    id,
    status: statusOf(withdrawal, core.clock.now() >= expiresAt.getTime()),
    to: terms.payTo,
    amount: purchases.amountOf(terms),
    asset: network.asset.symbol,
    network: network.id,
    txHash,
    explorer: txHash && `${network.explorer}/tx/${txHash}`,
    createdAt,
    expiresAt,
  };
}

function statusOf(
  { state }: purchases.Purchase,
  over: boolean,
): 'requested' | 'expired' | 'pending' | 'completed' | 'failed' {
  if (state === 'requested') return over ? 'expired' : 'requested';
  if (state === 'confirmed') return 'completed';
  return state === 'released' ? 'failed' : 'pending';
}
