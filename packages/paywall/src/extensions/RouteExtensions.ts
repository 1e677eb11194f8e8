import { z } from 'zod';

/** Extensions of x402 v2 that a route declares in its 402. */
export interface RouteExtensions {
  /** Whether payers may or must name their payments: one name pays once, also when a client signs anew. Default: names are not read. */
  readonly paymentIdentifier?: 'optional' | 'required';
}

export const extensionsSchema = z.strictObject({
  paymentIdentifier: z.enum(['optional', 'required']).optional(),
});
