import { findNetwork, type Amount } from '@agentpay/primitives';
import { fromBase64, mpp, sameHex, x402v1, x402v2 } from '@agentpay/protocol';
import type { Dialect } from './Offer.js';
import type { Purchase } from './Purchase.js';

/** What a response was paid with. */
export interface Payment {
  readonly dialect: Dialect;
  /** Base units of the asset. */
  readonly amount: Amount;
  readonly asset: string;
  /** CAIP-2 id, or `agentpay`. */
  readonly network: string;
  readonly payTo: string;
  /** Hash of the transfer, as the seller's receipt claims it; absent without a receipt, and for tokens. */
  readonly transaction?: string;
  readonly tokenId?: string;
}

const payments = new WeakMap<Response, Payment>();

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
export function paymentOf(response: Response): Payment | undefined {
  return payments.get(response);
}

/** Makes {@link paymentOf} know the response. */
export function rememberPayment(response: Response, payment: Payment): void {
  payments.set(response, payment);
}

/** The seller's claim that this purchase was settled; undefined without one, or with one for something else. */
export function readReceipt(
  purchase: Purchase,
  headers: Headers,
): { readonly transaction?: string } | undefined {
  return attempt(() => readers[purchase.dialect](purchase, headers));
}

const readers: Record<
  Dialect,
  (purchase: Purchase, headers: Headers) => { readonly transaction?: string } | undefined
> = {
  x402v2: settled,
  x402v1: settled,
  mpp(purchase, headers) {
    const header = headers.get(mpp.PAYMENT_RECEIPT);
    if (header === null) return undefined;
    const { method, challengeId, reference } = mpp.readReceipt(header);
    const other =
      challengeId !== undefined && challengeId !== mpp.readCredential(purchase.proof).challenge.id;
    return method === mpp.EVM_METHOD && !other ? { transaction: reference } : undefined;
  },
  token: (_, headers) => (headers.get('X-Payment-Token-Status') === 'settled' ? {} : undefined),
};

// Sellers write the header of either version.
function settled(purchase: Purchase, headers: Headers): { transaction: string } | undefined {
  const written = [headers.get(x402v2.PAYMENT_RESPONSE), headers.get(x402v1.X_PAYMENT_RESPONSE)];
  for (const header of written) {
    const receipt = header === null ? undefined : attempt(() => settledBy(purchase, header));
    if (receipt) return receipt;
  }
  return undefined;
}

function settledBy(purchase: Purchase, header: string): { transaction: string } | undefined {
  const { success, network, payer, transaction } = x402v2.decodeSettleResponse(header);
  if (!success || findNetwork(network)?.id !== purchase.network) return undefined;
  return payer === undefined || sameHex(payer, payerOf(purchase)) ? { transaction } : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function payerOf({ proof }: Purchase): string {
  const { payload } = fromBase64(proof) as { payload: { authorization: { from: string } } };
  return payload.authorization.from;
}
