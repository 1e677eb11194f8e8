import {
  exactPayloadSchema,
  parseShape,
  reasonCode,
  sameHex,
  x402v1,
  x402v2,
  type ExactPayload,
} from '@agentpay/protocol';
import { resourceUrl, type Exchange } from '../Exchange.js';
import { Refusal, type Payment } from '../Payment.js';
import { exactPayment } from './exact.js';

/** Reads a `PAYMENT-SIGNATURE` header. @throws AgentPayError `payment_malformed`, Refusal */
export function x402v2Payment({ settings, quote }: Exchange, header: string): Payment {
  const { accepted, payload } = x402v2.decodePaymentPayload(header.trim());
  const exact = readExact(payload);
  const offer = quote.offers.find(({ v2 }) => x402v2.isAcceptanceOf(accepted, v2));
  if (!offer) throw new Refusal(reasonCode('invalidRequirements', 2), 'The payment accepts terms that are not offered here.');
  return exactPayment(settings, offer, {
    authorization: exact.authorization,
    request: {
      x402Version: 2,
      paymentPayload: { x402Version: 2, accepted: offer.v2, payload: { ...exact } },
      paymentRequirements: offer.v2,
    },
    receipt: (settled) => ({ [x402v2.PAYMENT_RESPONSE]: x402v2.encodeSettleResponse(settled) }),
    failure: (failed) => ({ [x402v2.PAYMENT_RESPONSE]: x402v2.encodeSettleResponse(failed) }),
  });
}

/** Reads an `X-PAYMENT` header. @throws AgentPayError `payment_malformed`, Refusal */
export function x402v1Payment(exchange: Exchange, header: string): Payment {
  const { settings, quote } = exchange;
  const { scheme, network, payload } = x402v1.decodePaymentPayload(header.trim());
  const exact = readExact(payload);
  if (scheme !== 'exact') throw new Refusal(reasonCode('unsupportedScheme', 1), 'The scheme is not offered here.');
  const offers = quote.offers.filter(({ tender }) => tender.network.name === network);
  // The payload names no recipient of its own: the authorization does. Whom it pays wrongly is told by comparison with the first offer.
  const offer = offers.find(({ tender }) => sameHex(tender.payTo, exact.authorization.to)) ?? offers[0];
  if (!offer) throw new Refusal(reasonCode('invalidNetwork', 1), 'The network is not offered here.');
  return exactPayment(settings, offer, {
    authorization: exact.authorization,
    request: {
      x402Version: 1,
      paymentPayload: { x402Version: 1, scheme, network, payload: { ...exact } },
      paymentRequirements: offer.v1(resourceUrl(exchange)),
    },
    receipt: (settled) => ({ [x402v1.X_PAYMENT_RESPONSE]: x402v1.encodeSettleResponse(settled) }),
    failure: (failed) => ({ [x402v1.X_PAYMENT_RESPONSE]: x402v1.encodeSettleResponse(failed) }),
  });
}

export function readExact(payload: unknown): ExactPayload {
  return parseShape(exactPayloadSchema, payload, 'payload of scheme exact');
}
