import { fundWallet, getBalance } from '@agentpay/api';
import { wallets, type Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { route, type Route } from '../../http/mount.js';

export function walletRoutes(core: Core): Route[] {
  return [
    route(fundWallet, async ({ principal, params, body, idempotencyKey }) => {
      const funded = await wallets.fund(core, {
        principal,
        walletId: params.wallet_id,
        amount: body.amount,
        source: body.source,
        idempotencyKey: oneKey(body.idempotency_key, idempotencyKey),
      });
      const { walletId, balance, available, currency, transactionId } = funded;
      return { wallet_id: walletId, balance, available, currency, transaction_id: transactionId };
    }),
    route(getBalance, async ({ principal, params }) => {
      const { walletId, balance, available, held, currency } = await wallets.balance(core, {
        principal,
        walletId: params.wallet_id,
      });
      return { wallet_id: walletId, balance, available, held, currency };
    }),
  ];
}

/** The idempotency key may stand in the body or in the header; two different ones are a mistake. */
function oneKey(inBody: string | undefined, inHeader: string | undefined): string | undefined {
  if (inBody !== undefined && inHeader !== undefined && inBody !== inHeader) {
    throw new AgentPayError('invalid_request', 'Body and header name different idempotency keys.', {
      param: 'idempotency_key',
    });
  }
  return inBody ?? inHeader;
}
