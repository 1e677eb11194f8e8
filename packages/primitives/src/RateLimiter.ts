/** A token bucket: `burst` requests at once, refilled at `perMinute`. Whole numbers from 1. */
export interface RateLimit {
  readonly perMinute: number;
  readonly burst: number;
}

/** What a rate limiter says of one request. */
export interface RateVerdict {
  readonly allowed: boolean;
  /** The refill per minute. */
  readonly limit: number;
  /** Requests that would be allowed right now, after this one; at most the burst. */
  readonly remaining: number;
  /** Milliseconds until the next request would be allowed; 0 when this one was. */
  readonly retryAfterMs: number;
  /** Milliseconds until the bucket is full again. */
  readonly resetMs: number;
}

/**
 * Counts requests per key. Implementations: Redis with Lua, shared by all replicas, and its memory twin (`@agentpay/tracker`).
 * Both reject when the limiter is out of reach.
 */
export interface RateLimiter {
  /** Takes one request from the bucket of `key`; a refused request takes nothing. */
  take(key: string, limit: RateLimit): Promise<RateVerdict>;
  /** Tells whether `take` would be allowed now, and takes nothing. */
  look(key: string, limit: RateLimit): Promise<RateVerdict>;
}
