import type { Rate } from '@agentpay/api';
import { addressOf, rateLimitedBy, writeRateLimit } from '@agentpay/http';
import type { Clock, RateLimiter, RateVerdict } from '@agentpay/primitives';
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
  /**
   * Charges the address of a caller whose credential was refused.
   * @throws AgentPayError `rate_limited`
   */
  refused(request: Request, response: Response): Promise<void>;
  /**
   * Refuses an address from which too many credentials were refused, before its next one is looked up.
   * @throws AgentPayError `rate_limited`
   */
  assertNotGuessing(request: Request, response: Response): Promise<void>;
}

export interface RateLimitOptions {
  readonly limiter: RateLimiter;
  readonly rates: Rates;
  readonly clock: Clock;
  /** Number of proxies in front whose X-Forwarded-For is believed. */
  readonly trustProxyHops: number;
}

export function rateLimit({ limiter, rates: standard, clock, trustProxyHops }: RateLimitOptions): Limit {
  const by = (what: string, request: Request) => `${what}:${addressOf(request, trustProxyHops)}`;

  async function take(key: string, rates: Rates, response: Response): Promise<void> {
    tell(await limiter.take(key, rates), rates, response);
  }

  function tell(taken: RateVerdict, rate: Rates, response: Response): void {
    writeRateLimit(response, taken, { rate, headers: 'x-ratelimit', clock });
    if (!taken.allowed) throw rateLimitedBy(taken);
  }
  return {
    principal: (id, rate, response) =>
      take(`${rate}:${id}`, rate === 'lifecycle' ? lifecycle : standard, response),
    address: (request, response) => take(by('address', request), standard, response),
    refused: (request, response) => take(by('refused', request), standard, response),
    async assertNotGuessing(request, response) {
      const seen = await limiter.look(by('refused', request), standard);
      if (!seen.allowed) tell(seen, standard, response);
    },
  };
}
