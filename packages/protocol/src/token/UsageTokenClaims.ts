import * as z from 'zod';

export const usageTokenClaimsSchema = z.object({
  iss: z.string().max(512),
  aud: z.string().max(64),
  sub: z.string().max(64),
  jti: z.string().max(64),
  agreement: z.string().max(64),
  iat: z.number().int().nonnegative(),
  exp: z.number().int().positive(),
});

/** What a usage token says: `sub` uses agreement `agreement` of service `aud`; `jti` is the id of the usage, until `exp` (Unix seconds). */
export type UsageTokenClaims = z.infer<typeof usageTokenClaimsSchema>;
