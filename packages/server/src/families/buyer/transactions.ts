import { buyer } from '@agentpay/api';
import { agents, payments } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(buyer.nouns.transactions, ({ core }) => ({
  async list({ principal, params, query }) {
    const agent = await agents.actFor(core.db, { principal, agentId: params.id });
    const page = await payments.list(core, { principal: agent, ...query });
    return { transactions: page.payments.map(show), total: page.total };
  },
  async get({ principal, params: { id: agentId, transaction_id: paymentId } }) {
    const agent = await agents.actFor(core.db, { principal, agentId });
    return show(await payments.get(core, { principal: agent, paymentId }));
  },
}));

function show({
  id,
  amount,
  currency,
  rail,
  status,
  payeeExternal,
  payeeWalletId,
  createdAt,
}: payments.Payment) {
  return { id, amount, currency, rail, status, to: payeeExternal ?? payeeWalletId, createdAt };
}
