import { runtime } from '@agentpay/api';
import { wallets } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(runtime.nouns.wallets, ({ core }) => ({
  async fund({ principal, params, body }) {
    const funded = await wallets.fund(core, {
      principal,
      walletId: params.wallet_id,
      amount: body.amount,
      source: body.source,
    });
    const { walletId, balance, available, currency, transactionId } = funded;
    return { wallet_id: walletId, balance, available, currency, transaction_id: transactionId };
  },
  async balance({ principal, params }) {
    const { walletId, balance, available, held, currency } = await wallets.balance(core, {
      principal,
      walletId: params.wallet_id,
    });
    return { wallet_id: walletId, balance, available, held, currency };
  },
}));
