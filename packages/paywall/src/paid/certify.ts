import { unixSeconds } from '@agentpay/primitives';
import { PAYMENT_RECEIPT_JWS, PAYMENT_RECEIPT_TYPE, type PaymentReceipt } from '@agentpay/protocol';
import type { Receipt } from './Claims.js';
import { type PricedContext } from './RequestContext.js';
import type { SettleOutcome } from './Payment.js';
import { targetOf } from './Request.js';

/** The receipt headers of a settled payment; with a signed receipt where the seller has a key and money moved on chain. */
export function certified(
  { config, req }: PricedContext,
  { receipt, moved }: SettleOutcome & { state: 'settled' },
): Receipt {
  if (!config.receiptKey || !moved) return receipt;
  const paid: PaymentReceipt = {
    // Not the Host header, which the client chooses.
    iss: config.baseUrl ?? config.realm,
    iat: unixSeconds(config.clock),
    method: req.method ?? 'GET',
    path: targetOf(req).split('?', 1)[0] as string,
    ...moved,
  };
  return { ...receipt, [PAYMENT_RECEIPT_JWS]: config.receiptKey.sign(paid, PAYMENT_RECEIPT_TYPE) };
}
