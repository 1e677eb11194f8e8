import { x402v2 } from '@agentpay/protocol';
import { x402Proofs, X402_SCHEME } from '../facilitated/proofs.js';
import { pinnedIn } from '../pinned.js';
import type { PaymentRail } from '../PaymentRail.js';
import { PIN, x402v2Offer } from './offer.js';
import { x402v2Payment } from './payment.js';

/** x402 v2: schemes `exact` (EIP-3009 and Permit2), `upto` and `auth-capture`, the offer in `PAYMENT-REQUIRED`. */
export const x402v2Rail: PaymentRail = {
  protocol: 'x402',
  headers: {
    proofs: [x402v2.PAYMENT_SIGNATURE],
    scheme: X402_SCHEME,
    responses: [x402v2.PAYMENT_REQUIRED, x402v2.PAYMENT_RESPONSE],
  },
  sells: () => true,
  offer: x402v2Offer,
  find: (context) => x402Proofs(context, 2),
  read: x402v2Payment,
  quoted({ pricing }, proof, scope) {
    const { amount, asset, extra } = x402v2.decodePaymentPayload(proof.trim()).accepted;
    const prices = pricing.pricesOf(BigInt(amount), asset);
    return pinnedIn(pricing, scope, { prices, pin: String(extra?.[PIN] ?? '') });
  },
};
