import { mpp } from '@agentpay/protocol';
import { headerText } from '../../paid/headerText.js';
import type { ListedOffer, PaymentRail } from '../PaymentRail.js';
import { mppOffer } from './challenges.js';
import { mppPayment, offeredCharge } from './credential.js';
import { mppOffersOf, type MppOffer } from './offers.js';

/** MPP: method `evm`, intent `charge`, the offers as challenges in `WWW-Authenticate`. */
export const mppRail: PaymentRail = {
  protocol: 'mpp',
  headers: {
    proofs: [mpp.AUTHORIZATION, mpp.PAYMENT_AUTHORIZATION],
    scheme: 'Payment',
    choices: [mpp.ACCEPT_PAYMENT],
    responses: [mpp.WWW_AUTHENTICATE, mpp.PAYMENT_RECEIPT],
    deliveryReceipts: [mpp.PAYMENT_RECEIPT],
  },
  sells: (paywall, quote) => mppOffersOf(quote, paywall).length > 0,
  offer: mppOffer,
  listed: (paywall, quote) => mppOffersOf(quote, paywall).map(listed),
  find(context) {
    const credentials = headerText(context, context.config.authorizationHeader) ?? '';
    return mpp.hasCredential(credentials) ? [credentials] : [];
  },
  read: mppPayment,
  quoted(context, credentials) {
    const { pricing } = context;
    // A challenge of ours is its own pin.
    const charge = offeredCharge(context, credentials);
    const price = charge && pricing.pricesOf(BigInt(charge.amount), charge.currency)[0];
    return price === undefined ? undefined : pricing.at(price);
  },
};

function listed({ mpp: offered }: MppOffer): ListedOffer {
  const { amount, currency, recipient, methodDetails } = mpp.readEvmChargeRequest(offered);
  const { intent, method } = offered;
  return { intent, method, amount, currency, recipient, chainId: methodDetails.chainId };
}
