import { runtime } from '@agentpay/api';
import { wallets } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';

export const walletHandlers = implement(runtime.nouns.wallets, ({ core }) => ({
  async fund({ principal, params, body, idempotencyKey }) {
    const funded = await wallets.fund(core, {
      principal,
      walletId: params.wallet_id,
      amount: body.amount,
      source: body.source,
      idempotencyKey: oneKey(body.idempotency_key, idempotencyKey),
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

/** The idempotency key may stand in the body or in the header; two different ones are a mistake. */
function oneKey(inBody: string | undefined, inHeader: string | undefined): string | undefined {
  if (inBody !== undefined && inHeader !== undefined && inBody !== inHeader) {
    throw new AgentPayError('invalid_request', 'Body and header name different idempotency keys.', {
      param: 'idempotency_key',
    });
  }
  return inBody ?? inHeader;
}
