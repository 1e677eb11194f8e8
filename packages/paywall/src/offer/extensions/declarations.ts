import { unixSeconds } from '@agentpay/primitives';
import {
  declareGasSponsoring,
  EIP2612_GAS_SPONSORING,
  gasSponsoringIn,
  OFFER_RECEIPT,
  PAYMENT_IDENTIFIER,
  paymentIdentifierDeclaration,
  SIGN_IN_WITH_X,
  signedOffers,
  signedReceipt,
  type x402v2,
} from '@agentpay/protocol';
import { resourceUrl, type PricedContext, routeOf } from '../../paid/RequestContext.js';
import type { PricedOption, Quote } from '../Quote.js';
import type { ReceiptKey } from '../../seller/ReceiptKey.js';
import { BAZAAR } from './bazaar.js';

/** The listing that the route of a request asks for; undefined when it asks for none. */
export function bazaarOf(context: PricedContext): object | undefined {
  return context.pricing.bazaar?.(context.req.method, routeOf(context));
}

/** Whether a 402 for the quote has the member `extensions`. */
export function declaresAny(quote: Quote): boolean {
  const { paymentIdentifier, bazaar, signIn, offerReceipt } = quote.terms.extensions;
  return Boolean(paymentIdentifier || bazaar || signIn || offerReceipt) || sponsorsGas(quote);
}

/** Whether the gas of payers by Permit2 may be left to the facilitator. */
function sponsorsGas({ terms, offers }: Quote): boolean {
  return terms.extensions.gasSponsoring === true && offers.some(isExactPermit2);
}

function isExactPermit2({ v2, option }: PricedOption): boolean {
  return v2.scheme === 'exact' && option.transferMethod === 'permit2';
}

/** The permit of the token that a payer sends along, for the facilitator. @throws AgentPayError `payment_malformed` */
export function sponsoringOf(
  quote: Quote,
  offer: PricedOption,
  extensions: x402v2.PaymentPayload['extensions'],
): Readonly<Record<string, unknown>> | undefined {
  if (!sponsorsGas(quote) || !isExactPermit2(offer)) return undefined;
  const info = gasSponsoringIn(extensions);
  return info && { [EIP2612_GAS_SPONSORING]: { info } };
}

/** Member `extensions` of a 402; undefined when the route declares none. */
export function declarations(
  context: PricedContext,
  url: string,
): Readonly<Record<string, unknown>> | undefined {
  if (!declaresAny(context.quote)) return undefined;
  const { paymentIdentifier, bazaar, signIn, offerReceipt } = context.quote.terms.extensions;
  return {
    ...(paymentIdentifier && {
      [PAYMENT_IDENTIFIER]: paymentIdentifierDeclaration(paymentIdentifier === 'required'),
    }),
    ...(bazaar && { [BAZAAR]: bazaarOf(context) }),
    ...(sponsorsGas(context.quote) && declareGasSponsoring()),
    ...(offerReceipt && { [OFFER_RECEIPT]: offersOf(context, url) }),
    ...(signIn && {
      [SIGN_IN_WITH_X]: context.state.signIns.offer(url, {
        chains: chainsOf(context),
        statement: signIn.statement,
      }),
    }),
  };
}

/** What the response to a payment in x402 v2 adds to the receipt; undefined when the route declares nothing for it. */
export function receiptExtensions(
  context: PricedContext,
  settled: x402v2.SettleResponse,
): Readonly<Record<string, unknown>> | undefined {
  const { quote, config } = context;
  if (!quote.terms.extensions.offerReceipt) return undefined;
  const { network, payer = '', transaction } = settled;
  const paid = {
    resourceUrl: resourceUrl(context),
    network,
    payer,
    issuedAt: unixSeconds(config.clock),
    transaction,
  };
  return { [OFFER_RECEIPT]: signedReceipt(paid, keyOf(context).sign) };
}

function offersOf(context: PricedContext, url: string): object {
  const { quote, config } = context;
  const accepts = quote.offers.map(({ v2 }) => v2);
  const validUntil = unixSeconds(config.clock) + config.maxTimeoutSeconds;
  return signedOffers({ resourceUrl: url, accepts, validUntil }, keyOf(context).sign);
}

/** Routes that sign are refused at start without a key. */
function keyOf({ config }: PricedContext): ReceiptKey {
  return config.receiptKey as ReceiptKey;
}

function chainsOf({ quote }: PricedContext): readonly string[] {
  return [...new Set(quote.offers.map(({ v2 }) => v2.network))];
}
