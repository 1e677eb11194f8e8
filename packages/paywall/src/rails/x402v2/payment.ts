import { AgentPayError } from '@agentpay/primitives';
import {
  authCapturePayloadSchema,
  exactPermit2PayloadSchema,
  parseShape,
  readPaymentIdentifier,
  reasonCode,
  uptoPayloadSchema,
  x402v2,
  type ExactPermit2Payload,
  type UptoPayload,
} from '@agentpay/protocol';
import { resourceUrl, type PricedContext } from '../../paid/RequestContext.js';
import { BAZAAR } from '../../offer/extensions/bazaar.js';
import { bazaarOf, receiptExtensions, sponsoringOf } from '../../offer/extensions/declarations.js';
import { Refusal, type ProvenPayment } from '../../paid/Payment.js';
import { exactPayment, readExact } from '../facilitated/exact.js';
import type { FacilitatedProof } from '../facilitated/facilitated.js';
import { holdPayment } from '../facilitated/hold.js';
import { permit2Payment } from '../facilitated/permit2.js';
import type { PricedOption } from '../../offer/Quote.js';
import { offerAsAccepted } from '../../seller/HoldTerms.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';

/** Reads a `PAYMENT-SIGNATURE` header. @throws AgentPayError `payment_malformed`, Refusal */
export function x402v2Payment(context: PricedContext, header: string): ProvenPayment {
  const paid = x402v2.decodePaymentPayload(header.trim());
  const alias = aliasOf(context, paid);
  const payment = signedPayment(context, paid);
  return { ...payment, alias, isSecret: payment.isSecret || alias !== undefined };
}

/** The name that the payer gave the payment, if the route reads such names: it counts per payee. */
function aliasOf(
  { quote }: PricedContext,
  { accepted, extensions }: x402v2.PaymentPayload,
): string | undefined {
  const { paymentIdentifier } = quote.terms.extensions;
  const id = paymentIdentifier && readPaymentIdentifier(extensions);
  if (id !== undefined) return `id:${accepted.network}:${accepted.payTo.toLowerCase()}:${id}`;
  if (paymentIdentifier === 'required')
    throw new AgentPayError('payment_malformed', 'The seller requires a payment identifier.');
  return undefined;
}

function signedPayment(
  context: PricedContext,
  { accepted, payload, extensions: sent }: x402v2.PaymentPayload,
): ProvenPayment {
  const { config, quote } = context;
  const offer = quote.offers
    .map((offered) => asOffered(offered, accepted, config))
    .find(({ v2 }) => x402v2.isAcceptanceOf(accepted, v2));
  if (!offer)
    throw new Refusal(
      reasonCode('invalidRequirements', 2),
      'The payment accepts terms that are not offered here.',
    );
  const listing = listingOf(context);
  const sponsoring = sponsoringOf(quote, offer, sent);
  const told = sponsoring ? { ...listing, extensions: { ...listing.extensions, ...sponsoring } } : listing;
  const proofOf = (read: { [member: string]: unknown }): FacilitatedProof => ({
    request: {
      x402Version: 2,
      paymentPayload: { x402Version: 2, accepted: offer.v2, payload: { ...read }, ...told },
      paymentRequirements: offer.v2,
    },
    isSecret: x402v2.echoesOffer(accepted),
    receipt(settled) {
      const extensions = receiptExtensions(context, settled);
      return {
        [x402v2.PAYMENT_RESPONSE]: x402v2.encodeSettleResponse({
          ...settled,
          ...(extensions && { extensions }),
        }),
      };
    },
    failure: (failed) => ({ [x402v2.PAYMENT_RESPONSE]: x402v2.encodeSettleResponse(failed) }),
  });
  if (offer.v2.scheme === 'auth-capture') {
    const held = parseShape(authCapturePayloadSchema, payload, 'payload of scheme auth-capture');
    return holdPayment(config, offer, { payload: held, ...proofOf(held) });
  }
  if (offer.v2.scheme === 'exact' && offer.option.transferMethod === 'eip3009') {
    const exact = readExact(payload);
    return exactPayment(config, offer, { authorization: exact.authorization, ...proofOf(exact) });
  }
  const permit2 = readPermit2(offer.v2.scheme, payload);
  return permit2Payment(config, offer, { permit: permit2.permit2Authorization, ...proofOf(permit2) });
}

/** Deadlines of holds move on while buyers think. */
function asOffered(
  offered: PricedOption,
  accepted: x402v2.PaymentRequirements,
  { clock }: PaywallConfig,
): PricedOption {
  if (offered.v2.scheme !== 'auth-capture') return offered;
  const v2 = offerAsAccepted(offered.v2, accepted, clock);
  return v2 === offered.v2 ? offered : { ...offered, v2 };
}

/** What is bought, without what the buyer asked; and what the facilitator lists of it, if the route wants that. */
function listingOf(context: PricedContext): Pick<x402v2.PaymentPayload, 'resource' | 'extensions'> {
  const url = resourceUrl(context).split('?', 1)[0] as string;
  const bazaar = bazaarOf(context);
  if (!bazaar) return { resource: { url } };
  const { description, mimeType } = context.quote.terms;
  return {
    resource: { url, description, ...(mimeType !== undefined && { mimeType }) },
    extensions: { [BAZAAR]: bazaar },
  };
}

function readPermit2(scheme: string, payload: unknown): ExactPermit2Payload | UptoPayload {
  if (scheme === 'upto') return parseShape(uptoPayloadSchema, payload, 'payload of scheme upto');
  return parseShape(exactPermit2PayloadSchema, payload, 'payload of scheme exact by Permit2');
}
