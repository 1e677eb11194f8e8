/** The languages of a 402 that any buyer can pay in, without an account anywhere. */
export const dialects = ['x402v2', 'x402v1', 'mpp'] as const;
export type SellerDialect = (typeof dialects)[number];
