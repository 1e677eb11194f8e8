import type { RateLimiter } from '@agentpay/primitives';

/** Limits by `shared`, and by `local` for as long as `shared` rejects: each process then counts for itself. */
export function fallbackLimiter(shared: RateLimiter, local: RateLimiter): RateLimiter {
  return {
    take: (key, rates) => shared.take(key, rates).catch(() => local.take(key, rates)),
    look: (key, rates) => shared.look(key, rates).catch(() => local.look(key, rates)),
  };
}
