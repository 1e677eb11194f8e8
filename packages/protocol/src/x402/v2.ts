import * as z from 'zod';
import { fromBase64, jcs, nullable, parseShape, toBase64 } from '../encoding/Json.js';
import { caip2Schema, sameHex, uint256Schema } from '../evm/Hex.js';

/** Header names of x402 v2. */
export const PAYMENT_REQUIRED = 'PAYMENT-REQUIRED';
export const PAYMENT_SIGNATURE = 'PAYMENT-SIGNATURE';
export const PAYMENT_RESPONSE = 'PAYMENT-RESPONSE';

const extensionsSchema = z.record(z.string(), z.unknown());

export const resourceSchema = nullable({
  url: z.string().max(8192),
  description: z.string().max(4096).optional(),
  mimeType: z.string().max(256).optional(),
});

/** One way to pay. `amount` is in base units of `asset`; `extra` holds the token's EIP-712 name and version for `exact` on EVM. */
export const paymentRequirementsSchema = nullable({
  scheme: z.string().min(1).max(64),
  network: caip2Schema,
  amount: uint256Schema,
  asset: z.string().min(1).max(128),
  payTo: z.string().min(1).max(128),
  maxTimeoutSeconds: z.number().int().positive().max(31_536_000),
  extra: z.record(z.string(), z.unknown()).optional(),
});

/** What a 402 says, in the `PAYMENT-REQUIRED` header. */
export const paymentRequiredSchema = nullable({
  x402Version: z.literal(2),
  error: z.string().optional(),
  resource: resourceSchema,
  accepts: z.array(paymentRequirementsSchema).min(1).max(64),
  extensions: extensionsSchema.optional(),
});

/** What a buyer sends, in the `PAYMENT-SIGNATURE` header. `payload` belongs to the scheme. */
export const paymentPayloadSchema = nullable({
  x402Version: z.literal(2),
  resource: resourceSchema.optional(),
  accepted: paymentRequirementsSchema,
  payload: z.record(z.string(), z.unknown()),
  extensions: extensionsSchema.optional(),
});

/** The outcome of settlement, in the `PAYMENT-RESPONSE` header and from `/settle`. `transaction` is "" when nothing was sent. */
export const settleResponseSchema = nullable({
  success: z.boolean(),
  transaction: z.string().max(256).default(''),
  network: z.string().max(64),
  payer: z.string().max(128).optional(),
  amount: z.string().max(80).optional(),
  errorReason: z.string().max(256).optional(),
  errorMessage: z.string().max(4096).optional(),
  /** Another call was granted this very settlement before, or is being granted it: a seller needs a claim of its own to deliver. */
  repeat: z.boolean().optional().catch(undefined),
  /**
   * Beside a reason that says that the nonce is used: what the chain proves to have used it. `payment`: this very payment, by
   * `transaction`; `other`: its cancellation or another payment, so that this one can never be made. Absent: not proved.
   */
  nonceUse: z.enum(['payment', 'other']).optional().catch(undefined),
  extensions: extensionsSchema.optional(),
});

export type Resource = z.infer<typeof resourceSchema>;
export type PaymentRequirements = z.infer<typeof paymentRequirementsSchema>;
export type PaymentRequired = z.infer<typeof paymentRequiredSchema>;
export type PaymentPayload = z.infer<typeof paymentPayloadSchema>;
export type SettleResponse = z.infer<typeof settleResponseSchema>;

export const encodePaymentRequired = (value: PaymentRequired): string => toBase64(value);
export const encodePaymentPayload = (value: PaymentPayload): string => toBase64(value);
export const encodeSettleResponse = (value: SettleResponse): string => toBase64(value);

/** Reads a `PAYMENT-REQUIRED` header. @throws AgentPayError `payment_malformed` */
export function decodePaymentRequired(header: string): PaymentRequired {
  return parseShape(paymentRequiredSchema, fromBase64(header), PAYMENT_REQUIRED);
}

/** Reads a `PAYMENT-SIGNATURE` header. @throws AgentPayError `payment_malformed` */
export function decodePaymentPayload(header: string): PaymentPayload {
  return parseShape(paymentPayloadSchema, fromBase64(header), PAYMENT_SIGNATURE);
}

/** Reads a `PAYMENT-RESPONSE` header. @throws AgentPayError `payment_malformed` */
export function decodeSettleResponse(header: string): SettleResponse {
  return parseShape(settleResponseSchema, fromBase64(header), PAYMENT_RESPONSE);
}

/**
 * Whether what the buyer accepted is this offer: every field equal (addresses without regard to case), `extra` holding at least
 * the offer's members. Nothing of the buyer's copy is used beyond this comparison.
 */
export function isAcceptanceOf(accepted: PaymentRequirements, offer: PaymentRequirements): boolean {
  const extra = accepted.extra ?? {};
  return (
    accepted.scheme === offer.scheme &&
    accepted.network === offer.network &&
    accepted.amount === offer.amount &&
    accepted.maxTimeoutSeconds === offer.maxTimeoutSeconds &&
    sameHex(accepted.asset, offer.asset) &&
    sameHex(accepted.payTo, offer.payTo) &&
    transferMethodOf(accepted) === transferMethodOf(offer) &&
    Object.entries(offer.extra ?? {}).every(
      ([key, value]) => Object.hasOwn(extra, key) && jcs(extra[key]) === jcs(value),
    )
  );
}

/** Member of an offer's `extra` that names the offer: buyers repeat it in what they accepted, and it never gets on the chain. */
export const OFFER = 'offer';

/** Whether the buyer repeats the name of an offer, and so shows something that nobody can read off the chain. */
export function echoesOffer({ extra }: PaymentRequirements): boolean {
  const name = extra?.[OFFER];
  return typeof name === 'string' && name.length >= 16;
}

/** How the token moves, by the reserved member of `extra`: one offer may differ from another in this alone. */
function transferMethodOf({ extra }: PaymentRequirements): unknown {
  return extra?.['assetTransferMethod'] ?? 'eip3009';
}
