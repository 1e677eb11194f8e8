import { asciiJson, mpp, reasonCode, sameHex, x402v1 } from '@agentpay/protocol';
import { isByPermit2, resourceOf, type PricedOption } from '../../offer/Quote.js';
import { definedOnly, SLOT, spliced } from '../../offer/templates.js';
import { Refusal, type ProvenPayment } from '../../paid/Payment.js';
import { resourceUrl, type PricedContext } from '../../paid/RequestContext.js';
import type { Terms } from '../../seller/Price.js';
import { exactPayment, readExact } from '../facilitated/exact.js';
import { x402Proofs, X402_SCHEME } from '../facilitated/proofs.js';
import { perQuote } from '../perQuote.js';
import { pinnedIn } from '../pinned.js';
import type { PaymentRail } from '../PaymentRail.js';

/** What offers say to requests without proof. */
const NO_PROOF = 'X-PAYMENT header is required';

/** x402 v1: scheme `exact` by EIP-3009, the offer in the body. */
export const x402v1Rail: PaymentRail = {
  protocol: 'x402',
  headers: {
    // Signed intents of x402 come in the header of MPP credentials.
    proofs: [x402v1.X_PAYMENT, mpp.AUTHORIZATION, mpp.PAYMENT_AUTHORIZATION],
    scheme: X402_SCHEME,
    responses: [x402v1.X_PAYMENT_RESPONSE],
  },
  sells: (paywall, quote) => v1OffersOf(quote, paywall).length > 0,
  offer(paywall, quote, { url, request }) {
    const error = request?.refusal?.reason ?? NO_PROOF;
    const text = membersOf(quote, paywall)([error, ...v1OffersOf(quote, paywall).map(() => url)]);
    return { members: asciiJson(text).slice(1, -1) };
  },
  find: (context) => x402Proofs(context, 1),
  read: x402v1Payment,
  quoted({ pricing }, proof, scope) {
    const { payload } = x402v1.decodePaymentPayload(proof.trim());
    const prices = pricing.pricesOf(BigInt(readExact(payload).authorization.value));
    return pinnedIn(pricing, scope, { prices });
  },
};

/** An offer that v1 has words for. */
interface V1Offer extends PricedOption {
  readonly requirements: (url: string) => x402v1.PaymentRequirements;
}

const v1OffersOf = perQuote(({ terms, offers }): readonly V1Offer[] => {
  const said = new Set<string>();
  return offers.flatMap((offer) => {
    if (terms.scheme === 'auth-capture' || isByPermit2(terms, offer.option)) return [];
    // A v1 payload does not name its token: of those that it could not tell apart v1 has the first.
    const { network, payTo, amount } = offer.v2;
    const inV1 = [network, payTo, amount].join(' ');
    if (said.has(inV1)) return [];
    said.add(inV1);
    return [{ ...offer, requirements: requirementsOf(offer, terms) }];
  });
});

const membersOf = perQuote((quote, paywall) => {
  const accepts = v1OffersOf(quote, paywall).map(({ requirements }) => requirements(SLOT));
  return spliced({ x402Version: 1, error: SLOT, accepts });
});

function requirementsOf({ v2 }: PricedOption, terms: Terms): V1Offer['requirements'] {
  const { extra = {}, ...rest } = v2;
  const { paymentFlow: _, ...known } = extra;
  const offer = { ...rest, extra: known };
  return (url) =>
    x402v1.requirementsFromV2(
      offer,
      definedOnly({ url, ...resourceOf(terms) }),
    ) as x402v1.PaymentRequirements;
}

/** Reads an `X-PAYMENT` header. @throws AgentPayError `payment_malformed`, Refusal */
function x402v1Payment(context: PricedContext, header: string): ProvenPayment {
  const { config, quote } = context;
  const { scheme, network, payload } = x402v1.decodePaymentPayload(header.trim());
  const exact = readExact(payload);
  const { to, value } = exact.authorization;
  if (scheme !== 'exact')
    throw new Refusal(reasonCode('unsupportedScheme', 1), 'The scheme is not offered here.');
  const offers = v1OffersOf(quote, context).filter(({ option }) => option.network.name === network);
  // The payload names no offer: recipient and amount do. What is wrong with it is told by comparison with the likeliest one.
  const toPayee = offers.filter(({ option }) => sameHex(option.payTo, to));
  const offer = toPayee.find(({ v2 }) => v2.amount === value) ?? toPayee[0] ?? offers[0];
  if (!offer) throw new Refusal(reasonCode('invalidNetwork', 1), 'The network is not offered here.');
  return exactPayment(config, offer, {
    authorization: exact.authorization,
    request: {
      x402Version: 1,
      paymentPayload: { x402Version: 1, scheme, network, payload: { ...exact } },
      paymentRequirements: offer.requirements(resourceUrl(context)),
    },
    // All of it gets on the chain, or stands in the offer.
    isSecret: false,
    receipt: (settled) => ({ [x402v1.X_PAYMENT_RESPONSE]: x402v1.encodeSettleResponse(settled) }),
    failure: (failed) => ({ [x402v1.X_PAYMENT_RESPONSE]: x402v1.encodeSettleResponse(failed) }),
  });
}
