import { unixSeconds } from '@agentpay/primitives';
import { PAYMENT_RECEIPT_JWS, PAYMENT_RECEIPT_TYPE, type PaymentReceipt } from '@agentpay/protocol';
import type { Receipt } from './Claims.js';
import { type PricedContext } from './RequestContext.js';
import type { SettleOutcome } from './Payment.js';
import { targetOf } from './Request.js';

/** The headers that tell a buyer of a settled payment, with one that the seller has signed, where he has a key and money moved on chain. */
export function certified(
  { config, req }: PricedContext,
  { receipt, moved }: SettleOutcome & { state: 'settled' },
): Receipt {
  if (!config.receiptKey || !moved) return receipt;
  const paid: PaymentReceipt = {
    // Not the Host header of the request: nobody else is to say in whose name the seller signs.
    iss: config.baseUrl ?? config.realm,
    iat: unixSeconds(config.clock),
    method: req.method ?? 'GET',
    path: targetOf(req).split('?', 1)[0] as string,
    ...moved,
  };
  return { ...receipt, [PAYMENT_RECEIPT_JWS]: config.receiptKey.sign(paid, PAYMENT_RECEIPT_TYPE) };
}
