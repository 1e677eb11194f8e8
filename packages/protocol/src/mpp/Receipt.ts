import * as z from 'zod';
import { base64url, fromBase64url, parseShape } from '../encoding/Json.js';

/** Response header of a receipt; only on 2xx. */
export const PAYMENT_RECEIPT = 'Payment-Receipt';

export const receiptSchema = z.looseObject({
  status: z.literal('success'),
  method: z.string().min(1).max(64),
  timestamp: z.string().max(64),
  reference: z.string().max(512),
  challengeId: z.string().max(512).optional(),
  chainId: z.number().int().optional(),
  externalId: z.string().max(512).optional(),
});

/** Claim that a payment was settled; `reference` is the transaction hash for method `evm`. Unknown members are kept. */
export type Receipt = z.infer<typeof receiptSchema>;

export function serializeReceipt(receipt: Receipt): string {
  return base64url(JSON.stringify(receipt));
}

/** Reads a `Payment-Receipt` header. @throws AgentPayError `payment_malformed` */
export function readReceipt(header: string): Receipt {
  return parseShape(receiptSchema, fromBase64url(header), PAYMENT_RECEIPT);
}
