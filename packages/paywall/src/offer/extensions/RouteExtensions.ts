import { z } from 'zod';
import type { BazaarExamples } from './bazaar.js';

/** Extensions of x402 v2 that a route declares in its 402. */
export interface RouteExtensions {
  /** Whether payers may or must name their payments: one name pays once, also when a client signs anew. Default: names are not read. */
  readonly paymentIdentifier?: 'optional' | 'required';
  /** Payers may ask again for what they have paid for, by a signed message instead of a payment. Needs `baseUrl`. */
  readonly signIn?: {
    /** How long a payment counts, in seconds. */
    readonly seconds: number;
    /** What people read in the message that they sign; one line. */
    readonly statement?: string | undefined;
  };
  /** Facilitators may list the route, with these examples and the `schemas` of the route. Needs `baseUrl`. */
  readonly bazaar?: true | BazaarExamples;
  /** Offers and receipts are signed, as proof of what was offered and paid. Needs `receiptKey` and `baseUrl`. */
  readonly offerReceipt?: boolean;
  /**
   * Payers by Permit2 may leave the gas to the facilitator, which brings their permit of the token (EIP-2612) to the chain with the
   * payment. For facilitators that name `eip2612GasSponsoring` in `/supported`.
   */
  readonly gasSponsoring?: boolean;
}

const examplesSchema = z.strictObject({
  query: z.record(z.string(), z.json()).optional(),
  body: z.json().optional(),
  response: z.json().optional(),
});

export const extensionsSchema = z.strictObject({
  paymentIdentifier: z.enum(['optional', 'required']).optional(),
  signIn: z
    .strictObject({
      seconds: z
        .number()
        .int()
        .min(1)
        .max(366 * 86_400),
      statement: z
        .string()
        .min(1)
        .max(200)
        .regex(/^[\x20-\x7e]+$/, 'must be one line of ASCII')
        .optional(),
    })
    .optional(),
  bazaar: z
    .union([z.literal(true), examplesSchema], {
      error: 'must be true, or examples as { query, body, response }',
    })
    .optional(),
  offerReceipt: z.boolean().optional(),
  gasSponsoring: z.boolean().optional(),
});
