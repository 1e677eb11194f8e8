import { findNetwork } from '@agentpay/primitives';
import * as z from 'zod';
import { fromBase64, nullable, parseShape, toBase64 } from '../encoding/Json.js';
import { uint256Schema } from '../evm/Hex.js';
import {
  settleResponseSchema,
  type PaymentRequirements as V2Requirements,
  type Resource,
  type SettleResponse,
} from './v2.js';

/** Header names of x402 v1; its challenge is the body of the 402. */
export const X_PAYMENT = 'X-PAYMENT';
export const X_PAYMENT_RESPONSE = 'X-PAYMENT-RESPONSE';

/** One way to pay. `network` is a name ("base-sepolia"); `maxAmountRequired` is in base units of `asset`. */
export const paymentRequirementsSchema = nullable({
  scheme: z.string().min(1).max(64),
  network: z.string().min(1).max(64),
  maxAmountRequired: uint256Schema,
  resource: z.string().max(8192),
  description: z.string().max(4096).default(''),
  mimeType: z.string().max(256).optional(),
  outputSchema: z.record(z.string(), z.unknown()).optional(),
  payTo: z.string().min(1).max(128),
  maxTimeoutSeconds: z.number().int().positive().max(31_536_000),
  asset: z.string().min(1).max(128),
  extra: z.record(z.string(), z.unknown()).optional(),
});

/** The body of a 402; further members are allowed. */
export const paymentRequiredSchema = nullable({
  x402Version: z.literal(1),
  error: z.string().optional(),
  accepts: z.array(paymentRequirementsSchema).min(1).max(64),
});

/** What a buyer sends, in the `X-PAYMENT` header. */
export const paymentPayloadSchema = nullable({
  x402Version: z.literal(1),
  scheme: z.string().min(1).max(64),
  network: z.string().min(1).max(64),
  payload: z.record(z.string(), z.unknown()),
});

export type PaymentRequirements = z.infer<typeof paymentRequirementsSchema>;
export type PaymentRequired = z.infer<typeof paymentRequiredSchema>;
export type PaymentPayload = z.infer<typeof paymentPayloadSchema>;

export const encodePaymentPayload = (value: PaymentPayload): string => toBase64(value);
export const encodeSettleResponse = (value: SettleResponse): string => toBase64(value);

/** Reads the body of a 402. @throws AgentPayError `payment_malformed` */
export function parsePaymentRequired(body: unknown): PaymentRequired {
  return parseShape(paymentRequiredSchema, body, 'x402 v1 body');
}

/** Reads an `X-PAYMENT` header. @throws AgentPayError `payment_malformed` */
export function decodePaymentPayload(header: string): PaymentPayload {
  return parseShape(paymentPayloadSchema, fromBase64(header), X_PAYMENT);
}

/** Reads an `X-PAYMENT-RESPONSE` header. @throws AgentPayError `payment_malformed` */
export function decodeSettleResponse(header: string): SettleResponse {
  return parseShape(settleResponseSchema, fromBase64(header), X_PAYMENT_RESPONSE);
}

/** The v1 form of a v2 offer; undefined when v1 has no name for the network. */
export function requirementsFromV2(
  offer: V2Requirements,
  resource: Resource,
): PaymentRequirements | undefined {
  const network = findNetwork(offer.network);
  if (!network) return undefined;
  return {
    scheme: offer.scheme,
    network: network.name,
    maxAmountRequired: offer.amount,
    resource: resource.url,
    description: resource.description ?? '',
    mimeType: resource.mimeType ?? '',
    payTo: offer.payTo,
    maxTimeoutSeconds: offer.maxTimeoutSeconds,
    asset: offer.asset,
    ...(offer.extra && { extra: offer.extra }),
  };
}
