import { unixSeconds } from '@agentpay/primitives';
import {
  OFFER_RECEIPT,
  PAYMENT_IDENTIFIER,
  paymentIdentifierDeclaration,
  SIGN_IN_WITH_X,
  signedOffers,
  signedReceipt,
  type x402v2,
} from '@agentpay/protocol';
import { resourceUrl, type Exchange, routeOf } from '../../paid/RequestContext.js';
import type { Quote } from '../Quote.js';
import type { ReceiptKey } from '../../seller/ReceiptKey.js';
import { BAZAAR } from './bazaar.js';

/** The listing that the route of a request asks for; undefined when it asks for none. */
export function bazaarOf(exchange: Exchange): object | undefined {
  return exchange.pricing.bazaar?.(exchange.req.method, routeOf(exchange));
}

/** Whether a 402 for the quote has the member `extensions`. */
export function declaresAny({ terms: { extensions } }: Quote): boolean {
  const { paymentIdentifier, bazaar, signIn, offerReceipt } = extensions;
  return Boolean(paymentIdentifier || bazaar || signIn || offerReceipt);
}

/** Member `extensions` of a 402; undefined when the route declares none. */
export function declarations(exchange: Exchange, url: string): Readonly<Record<string, unknown>> | undefined {
  if (!declaresAny(exchange.quote)) return undefined;
  const { paymentIdentifier, bazaar, signIn, offerReceipt } = exchange.quote.terms.extensions;
  return {
    ...(paymentIdentifier && {
      [PAYMENT_IDENTIFIER]: paymentIdentifierDeclaration(paymentIdentifier === 'required'),
    }),
    ...(bazaar && { [BAZAAR]: bazaarOf(exchange) }),
    ...(offerReceipt && { [OFFER_RECEIPT]: offersOf(exchange, url) }),
    ...(signIn && {
      [SIGN_IN_WITH_X]: exchange.settings.signIns.offer(url, {
        chains: chainsOf(exchange),
        statement: signIn.statement,
      }),
    }),
  };
}

/** What the answer to a payment in x402 v2 adds to the receipt; undefined when the route declares nothing for it. */
export function receiptExtensions(
  exchange: Exchange,
  settled: x402v2.SettleResponse,
): Readonly<Record<string, unknown>> | undefined {
  const { quote, settings } = exchange;
  if (!quote.terms.extensions.offerReceipt) return undefined;
  const { network, payer = '', transaction } = settled;
  const paid = {
    resourceUrl: resourceUrl(exchange),
    network,
    payer,
    issuedAt: unixSeconds(settings.clock),
    transaction,
  };
  return { [OFFER_RECEIPT]: signedReceipt(paid, keyOf(exchange).sign) };
}

function offersOf(exchange: Exchange, url: string): object {
  const { quote, settings } = exchange;
  const accepts = quote.offers.map(({ v2 }) => v2);
  const validUntil = unixSeconds(settings.clock) + settings.maxTimeoutSeconds;
  return signedOffers({ resourceUrl: url, accepts, validUntil }, keyOf(exchange).sign);
}

/** Routes that sign are refused at start without a key. */
function keyOf({ settings }: Exchange): ReceiptKey {
  return settings.receiptKey as ReceiptKey;
}

function chainsOf({ quote }: Exchange): readonly string[] {
  return [...new Set(quote.offers.map(({ v2 }) => v2.network))];
}
