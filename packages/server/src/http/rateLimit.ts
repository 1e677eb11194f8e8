import type { Rate } from '@agentpay/api';
import { AgentPayError, type Clock, type RateLimiter } from '@agentpay/primitives';
import type { Request, Response } from 'express';

/** Sizes of the buckets. */
export interface Rates {
  readonly perMinute: number;
  readonly burst: number;
}

/** The class for calls that a seller makes for every sale. */
const lifecycle: Rates = { perMinute: 60_000, burst: 2_000 };

/** Charges one call to somebody and writes the `x-ratelimit-*` headers. */
export interface Limit {
  /** @throws AgentPayError `rate_limited` */
  principal(id: string, rate: Rate, response: Response): Promise<void>;
  /** @throws AgentPayError `rate_limited` */
  address(request: Request, response: Response): Promise<void>;
}

export function rateLimit(limiter: RateLimiter, standard: Rates, clock: Clock): Limit {
  async function take(key: string, rates: Rates, response: Response): Promise<void> {
    const taken = await limiter.take(key, rates);
    response.setHeader('x-ratelimit-limit', String(taken.limit));
    response.setHeader('x-ratelimit-remaining', String(taken.remaining));
    response.setHeader('x-ratelimit-reset', String(Math.ceil((clock.now() + taken.resetMs) / 1000)));
    if (!taken.allowed) {
      throw new AgentPayError('rate_limited', 'Too many requests.', {
        retryAfter: Math.max(1, Math.ceil(taken.retryAfterMs / 1000)),
      });
    }
  }
  return {
    principal: (id, rate, response) =>
      take(`${rate}:${id}`, rate === 'lifecycle' ? lifecycle : standard, response),
    address: (request, response) => take(`address:${request.ip ?? 'unknown'}`, standard, response),
  };
}
