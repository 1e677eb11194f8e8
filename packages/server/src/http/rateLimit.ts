import type { Rate } from '@agentpay/api';
import { rateLimitedBy, writeRateLimit } from '@agentpay/http';
import type { Clock, RateLimiter } from '@agentpay/primitives';
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
    writeRateLimit(response, taken, { rate: rates, headers: 'x-ratelimit', clock });
    if (!taken.allowed) throw rateLimitedBy(taken);
  }
  return {
    principal: (id, rate, response) =>
      take(`${rate}:${id}`, rate === 'lifecycle' ? lifecycle : standard, response),
    address: (request, response) => take(`address:${request.ip ?? 'unknown'}`, standard, response),
  };
}
