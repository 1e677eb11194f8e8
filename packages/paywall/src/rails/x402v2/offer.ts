import { x402v2 } from '@agentpay/protocol';
import { declarations } from '../../offer/extensions/declarations.js';
import { resourceOf, type Quote } from '../../offer/Quote.js';
import { definedOnly, NAME, named, SLOT, spliced } from '../../offer/templates.js';
import { pinScope } from '../../paid/scope.js';
import type { PaywallParts } from '../../PaywallState.js';
import { perQuote } from '../perQuote.js';
import type { OfferRequest, OfferTarget, RailOffer } from '../PaymentRail.js';

/** Member of an offer's `extra` that holds the pin. */
export const PIN = 'quote';
/** What offers say to requests without proof. */
const NO_PROOF = 'Payment required';

const templateOf = perQuote(({ terms, offers, pinned }) => {
  const resource = definedOnly({ url: SLOT, ...resourceOf(terms) });
  const accepts = offers.map(({ v2 }) => {
    return { ...v2, extra: { ...v2.extra, ...(pinned && { [PIN]: SLOT }), [x402v2.OFFER]: NAME } };
  });
  return spliced({ x402Version: 2, error: SLOT, resource, accepts });
});

/** The `PAYMENT-REQUIRED` header, in which each offer has a name that comes once. */
export function x402v2Offer(paywall: PaywallParts, quote: Quote, { url, request }: OfferTarget): RailOffer {
  const { state } = paywall;
  const { error, pin, extensions } = request ? ownOf(request, url) : OF_ALL;
  const text = templateOf(quote, paywall)([error, url, ...(quote.pinned ? quote.offers.map(() => pin) : [])]);
  const required = named(
    extensions ? `${text.slice(0, -1)},"extensions":${JSON.stringify(extensions)}}` : text,
  );
  return { next: () => ({ header: x402v2.PAYMENT_REQUIRED, values: required(state.writtenNonce()) }) };
}

const OF_ALL = { error: NO_PROOF, pin: '', extensions: undefined };

function ownOf({ context, body, refusal }: OfferRequest, url: string) {
  const { quote, pricing } = context;
  return {
    error: refusal?.reason ?? NO_PROOF,
    pin: quote.pinned ? pricing.pin(pinScope(context, body), quote) : '',
    extensions: declarations(context, url),
  };
}
