import type { FeeTerms } from '../fees.js';

/** The most of a payment that the platform keeps, in basis points as the escrow bounds it. */
export function mostFeeBps({ ppm }: FeeTerms): number {
  return Number((ppm + 99n) / 100n);
}
