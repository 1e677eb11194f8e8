import type { Amount } from '@agentpay/primitives';
import { receiptIn } from '@agentpay/protocol';
import type { Dialect } from './Offer.js';
import type { SignedPurchase } from './Purchase.js';

/** What a response was paid with. */
export interface PaymentMade {
  readonly dialect: Dialect;
  /** Base units of the asset. */
  readonly amount: Amount;
  readonly asset: string;
  /** CAIP-2 id, or `agentpay`. */
  readonly network: string;
  readonly payTo: string;
  /** Hash of the transfer, as the seller's receipt claims it, or AgentPay where it pays; absent without a receipt, and for tokens. */
  readonly transaction?: string;
  readonly tokenId?: string;
}

const payments = new WeakMap<Response, PaymentMade>();

/**
 * What the response was paid with; undefined when it was not paid for.
 * @example
 * ```ts
 * import { createClient, paymentOf } from '@agentpay/sdk';
 *
 * const privateKey = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
 * const response = await createClient({ privateKey }).fetch('https://api.example.com/weather');
 * const transaction = paymentOf(response)?.transaction;
 * ```
 */
export function paymentOf(response: Response): PaymentMade | undefined {
  return payments.get(response);
}

/** Makes {@link paymentOf} know the response. */
export function rememberPayment(response: Response, payment: PaymentMade): void {
  payments.set(response, payment);
}

/** What a purchase pays, before anybody has said that it is settled. */
export function paymentFor(purchase: SignedPurchase): PaymentMade {
  const { dialect, amount, asset, network, payTo, tokenId, order } = purchase;
  return {
    dialect,
    amount: BigInt(amount),
    asset,
    network,
    payTo,
    ...(tokenId !== undefined && { tokenId }),
    ...(order?.transaction !== undefined && { transaction: order.transaction }),
  };
}

/** The seller's claim that this purchase was settled; undefined without one, or with one for something else. */
export function readReceipt(
  purchase: SignedPurchase,
  headers: Headers,
): { readonly transaction?: string } | undefined {
  const { dialect } = purchase;
  if (dialect === 'token') return headers.get('X-Payment-Token-Status') === 'settled' ? {} : undefined;
  return receiptIn({ ...purchase, dialect }, (name) => headers.get(name));
}
