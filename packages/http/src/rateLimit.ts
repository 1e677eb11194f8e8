import type { ServerResponse } from 'node:http';
import { AgentPayError, type Clock, type RateLimit, type RateVerdict } from '@agentpay/primitives';

/**
 * How the state of a limit is told: `x-ratelimit-limit`, `-remaining` and `-reset` (Unix seconds), or the fields of
 * draft-ietf-httpapi-ratelimit-headers-08 (`RateLimit-Policy`, `RateLimit`).
 */
export type RateLimitHeaders =
  | { readonly headers: 'x-ratelimit'; readonly clock: Clock }
  | { readonly headers: 'draft-08' };

/** Tells the caller what is left of its limit. */
export function writeRateLimit(
  response: ServerResponse,
  taken: RateVerdict,
  { rate, ...form }: { rate: RateLimit } & RateLimitHeaders,
): void {
  if (form.headers === 'x-ratelimit') {
    response.setHeader('x-ratelimit-limit', String(taken.limit));
    response.setHeader('x-ratelimit-remaining', String(taken.remaining));
    response.setHeader('x-ratelimit-reset', String(Math.ceil((form.clock.now() + taken.resetMs) / 1000)));
    return;
  }
  const window = Math.max(1, Math.ceil((60 * rate.burst) / rate.perMinute));
  response.setHeader('RateLimit-Policy', `"calls";q=${rate.burst};w=${window}`);
  response.setHeader('RateLimit', `"calls";r=${taken.remaining};t=${Math.ceil(taken.resetMs / 1000)}`);
}

/** The refusal of a call above its limit. */
export function rateLimitedBy(taken: RateVerdict): AgentPayError {
  return new AgentPayError('rate_limited', 'Too many requests.', {
    retryAfter: Math.max(1, Math.ceil(taken.retryAfterMs / 1000)),
  });
}
