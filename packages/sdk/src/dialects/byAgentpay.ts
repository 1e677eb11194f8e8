import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import { readTransfers, toBase64, writtenDemand, type Address } from '@agentpay/protocol';
import { ApiError } from '../ApiError.js';
import type { BufferedRequest } from '../BufferedRequest.js';
import { newIdempotencyKey } from '../newIdempotencyKey.js';
import type { Demand, Offer, ReadOffer } from '../Offer.js';
import type { ClientSettings } from '../options.js';
import type { PaymentOrder } from '../PaymentOrder.js';
import { PaymentError } from '../PaymentError.js';
import type { SignedPurchase } from '../Purchase.js';
import { buyerOf, demandOf } from './transfers.js';

/** How long the same order is repeated for the same request: longer than any authorization that AgentPay signs. */
const ORDER_MS = 24 * 60 * 60_000;
/** Which of the wallets pays is up to AgentPay; it refuses to pay itself. */
const SOMEBODY: Address = '0x0000000000000000000000000000000000000001';

/** Offers of x402 v2 that AgentPay can pay from the wallets of the key. */
export function agentpayOffers(demand: Demand, settings: ClientSettings): ReadOffer[] {
  const asked = demandOf(demand);
  const written = writtenDemand(asked);
  const entries = (written?.accepts ?? []) as readonly unknown[];
  const reads = readTransfers.x402v2(asked, buyerOf(settings, SOMEBODY));
  return reads.map((read, i) => (): Offer => {
    const { dialect, network, amount, payTo, header } = read();
    const { clock, random } = settings;
    return {
      dialect,
      network: network.id,
      asset: network.asset.address,
      amount,
      payTo,
      prove: async () => ({
        header,
        value: '',
        validUntil: clock.now() + ORDER_MS,
        order: {
          demand: toBase64({ ...written, accepts: [entries[i]] }),
          idempotencyKey: newIdempotencyKey(random),
        },
      }),
    };
  });
}

/** Whether AgentPay is still to be asked for the proof of the purchase. */
export function isOrdered({ order, proof }: SignedPurchase): boolean {
  return order !== undefined && proof === '';
}

/**
 * Has AgentPay pay; the same key again is the same payment.
 * @throws PaymentError `offer_not_acceptable` when it does not pay, `payment_refused`, `payment_unresolved` when that is not known
 */
export async function payByAgentpay(
  { payApi, attemptTimeoutMs: timeoutMs }: ClientSettings,
  { method, signal }: BufferedRequest,
  purchase: SignedPurchase,
): Promise<SignedPurchase> {
  const { demand, idempotencyKey } = purchase.order as PaymentOrder;
  try {
    if (!payApi)
      throw new AgentPayError('outcome_unknown', 'This client has no key of AgentPay to ask with.');
    const given = { paymentRequired: demand, url: purchase.url, method: method as 'GET' };
    const made = await payApi.pay.payments.create(given, { idempotencyKey, signal, timeoutMs });
    const order = { demand, idempotencyKey, transaction: made.transaction };
    return { ...purchase, proof: made.paymentSignature, order };
  } catch (error) {
    signal?.throwIfAborted();
    throw asPaymentError(error);
  }
}

/** Whether AgentPay has said for good that it has not paid. */
export function isVoidOrder(error: unknown): boolean {
  return isAgentPayError(error, 'offer_not_acceptable') && error.reason !== 'approval_required';
}

function asPaymentError(error: unknown): PaymentError {
  const { message } = error as Error;
  if (!(error instanceof ApiError) || isOpen(error))
    return new PaymentError('payment_unresolved', `AgentPay has not said whether it paid: ${message}`, {
      cause: error,
    });
  const { reason, details } = error;
  // A payment that has a transaction was signed: it counts as spent.
  const kind = details?.['transaction_id'] ? 'payment_refused' : 'offer_not_acceptable';
  return new PaymentError(kind, `AgentPay did not pay: ${message}`, { reason, cause: error });
}

/** What may still be paid: the same key asks for it again. */
function isOpen({ status }: ApiError): boolean {
  return status >= 500 || status === 409 || status === 429;
}
