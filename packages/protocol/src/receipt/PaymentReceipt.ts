import * as z from 'zod';
import { bytesOfText, readBase64, verifyEd25519, type PublicJwk } from '#platform';
import { fromBase64url } from '../encoding/Json.js';
import { addressSchema, bytes32Schema, caip2Schema, uint256Schema } from '../evm/Hex.js';

/** Response header of a receipt that the seller has signed, and where the keys are published: a JSON Web Key Set. */
export const PAYMENT_RECEIPT_JWS = 'X-Payment-Receipt-JWS';
export const RECEIPT_KEYS_PATH = '/.well-known/payment-receipt-keys.json';
/** `typ` of its JWS. */
export const PAYMENT_RECEIPT_TYPE = 'payment-receipt+jwt';

const receiptSchema = z.object({
  iss: z.string().min(1).max(2048),
  iat: z.number().int().nonnegative(),
  method: z.string().min(1).max(32),
  path: z.string().min(1).max(8192),
  network: caip2Schema,
  asset: addressSchema,
  amount: uint256Schema,
  payTo: addressSchema,
  payer: addressSchema,
  transaction: bytes32Schema.optional(),
});

/**
 * What a seller certifies: at `iat` (Unix seconds) `payer` had paid `amount` base units of `asset` to `payTo` for one request of `method`
 * and `path` (without query). `transaction` moved the money; absent where nothing was due or the facilitator does not name it.
 */
export type PaymentReceipt = z.infer<typeof receiptSchema>;

const headerSchema = z.object({
  alg: z.literal('EdDSA'),
  typ: z.literal(PAYMENT_RECEIPT_TYPE),
  kid: z.string(),
});

/** What a receipt certifies; undefined when it is none, or not signed (Ed25519) by one of the keys: those of the seller's key set. */
export function verifyPaymentReceipt(jws: string, keys: readonly PublicJwk[]): PaymentReceipt | undefined {
  try {
    const [head = '', body = '', signature = '', ...rest] = jws.split('.');
    const { kid } = headerSchema.parse(fromBase64url(head));
    const jwk = keys.find((candidate) => candidate['kid'] === kid);
    if (!jwk || rest.length > 0) return undefined;
    const valid = verifyEd25519(jwk, bytesOfText(`${head}.${body}`), readBase64(signature, 'base64url'));
    return valid ? receiptSchema.parse(fromBase64url(body)) : undefined;
  } catch {
    return undefined;
  }
}
