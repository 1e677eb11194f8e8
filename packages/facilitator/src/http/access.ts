import { AgentPayError, type RateLimit, type RateLimiter } from '@agentpay/primitives';
import type { Request, RequestHandler, Response } from 'express';
import { findApiKey, type ApiKey, type Scope } from '../operations/ApiKey.js';

/** Who may call, and how often. */
export interface AccessOptions {
  readonly keys: readonly ApiKey[];
  /** Both or none: without them calls are not counted. */
  readonly limiter?: RateLimiter | undefined;
  readonly rate?: RateLimit | undefined;
}

/**
 * Guards a route. `/verify` and `/settle` are open to all unless some key has their scope; `admin` is never open; `public` asks
 * for no key. Everybody is counted before a key is refused, so that keys cannot be tried out quickly.
 */
export type Access = (scope: Scope | 'public') => RequestHandler;

export function createAccess({ keys, limiter, rate }: AccessOptions): Access {
  const needed = new Set<string>(['admin', ...keys.flatMap((key) => key.scopes)]);

  return (scope) => async (req, res, next) => {
    const text = bearerOf(req);
    const key = text === undefined ? undefined : findApiKey(keys, text);
    if (limiter && rate) await count(limiter, rate, key ? `key:${key.name}` : `address:${req.ip ?? 'unknown'}`, res);
    if (needed.has(scope)) demand(scope, { text, key }, res);
    res.locals['key'] = key?.name;
    next();
  };
}

/** The name of the key that called; undefined for anybody. */
export function keyNameOf(res: Response): string | undefined {
  return res.locals['key'] as string | undefined;
}

/** The text after `Authorization: Bearer`. */
export function bearerOf(req: Request): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(req.get('authorization') ?? '')?.[1];
}

function demand(scope: string, { text, key }: { text: string | undefined; key: ApiKey | undefined }, res: Response): void {
  if (key?.scopes.some((own) => own === scope)) return;
  if (key) throw new AgentPayError('forbidden', `This key does not have the scope ${scope}.`);
  res.set('WWW-Authenticate', 'Bearer');
  throw new AgentPayError('unauthorized', text === undefined ? 'This needs an API key.' : 'This API key is not known.');
}

/** Counts the call and says so in the headers of draft-ietf-httpapi-ratelimit-headers-08. */
async function count(limiter: RateLimiter, rate: RateLimit, who: string, res: Response): Promise<void> {
  const taken = await limiter.take(who, rate);
  const window = Math.max(1, Math.ceil((60 * rate.burst) / rate.perMinute));
  res.set('RateLimit-Policy', `"calls";q=${rate.burst};w=${window}`);
  res.set('RateLimit', `"calls";r=${taken.remaining};t=${Math.ceil(taken.resetMs / 1000)}`);
  if (taken.allowed) return;
  throw new AgentPayError('rate_limited', 'Too many requests.', { retryAfter: Math.max(1, Math.ceil(taken.retryAfterMs / 1000)) });
}
