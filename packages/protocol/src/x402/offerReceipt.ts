import type { PaymentRequirements } from './v2.js';

/** Name of the extension by which a seller signs what it offers and what it was paid. */
export const OFFER_RECEIPT = 'offer-receipt';
const VERSION = 1;
const SCHEMA = 'https://json-schema.org/draft/2020-12/schema';
const signedSchema = {
  type: 'object',
  properties: { format: { type: 'string' }, acceptIndex: { type: 'integer' }, signature: { type: 'string' } },
  required: ['format', 'signature'],
};

/** Signs a payload: a compact JWS whose header names its key. */
export type SignPayload = (payload: object) => string;

interface OfferTerms {
  readonly resourceUrl: string;
  readonly accepts: readonly PaymentRequirements[];
  /** Unix seconds. */
  readonly validUntil: number;
}

/** What a seller declares in its 402: every offer, signed. */
export function signedOffers({ resourceUrl, accepts, validUntil }: OfferTerms, sign: SignPayload) {
  const offers = accepts.map(({ scheme, network, asset, payTo, amount }, acceptIndex) => {
    const payload = { version: VERSION, resourceUrl, scheme, network, asset, payTo, amount, validUntil };
    return { format: 'jws', acceptIndex, signature: sign(payload) };
  });
  const properties = { offers: { type: 'array', items: signedSchema } };
  return { info: { offers }, schema: { $schema: SCHEMA, type: 'object', properties, required: ['offers'] } };
}

interface Paid {
  readonly resourceUrl: string;
  /** CAIP-2 id. */
  readonly network: string;
  readonly payer: string;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** Hash; "" when nothing had to move. */
  readonly transaction: string;
}

/** What a seller adds to its response to a payment: that it was paid, signed. */
export function signedReceipt({ transaction, ...paid }: Paid, sign: SignPayload) {
  const signature = sign({ version: VERSION, ...paid, ...(transaction && { transaction }) });
  const schema = {
    $schema: SCHEMA,
    type: 'object',
    properties: { receipt: signedSchema },
    required: ['receipt'],
  };
  return { info: { receipt: { format: 'jws', signature } }, schema };
}
