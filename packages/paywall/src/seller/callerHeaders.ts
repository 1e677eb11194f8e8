/**
 * Request headers by which applications know their callers, in lower case. A payment counts for the caller who brought it, and a price that
 * was worked out for the caller who was told it.
 */
export const CALLER_HEADERS: readonly string[] = [
  'authorization',
  'cookie',
  'x-api-key',
  'api-key',
  'apikey',
  'x-auth-token',
  'x-access-token',
];
