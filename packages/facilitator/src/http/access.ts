import type { ServerResponse } from 'node:http';
import { AgentPayError, type RateLimit, type RateLimiter } from '@agentpay/primitives';
import type { RequestHandler, Response } from 'express';
import { findApiKey, type ApiKey, type Scope } from '../operations/ApiKey.js';

/** Who may call, and how often. */
export interface AccessOptions {
  readonly keys: readonly ApiKey[];
  /** Both or none: without them calls are not counted. */
  readonly limiter?: RateLimiter | undefined;
  readonly rate?: RateLimit | undefined;
}

/** Whoever calls. */
export interface Caller {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  address(): string;
}

/**
 * Lets a caller in; gives the name of its key, undefined for anybody. `/verify` and `/settle` are open to all unless some key has their
 * scope; `admin` is never open; `public` asks for no key. Everybody is counted before a key is refused, so that keys cannot be tried out
 * quickly. Headers about limits and keys are set on `res`.
 * @throws AgentPayError `unauthorized`, `forbidden`, `rate_limited`
 */
export type Access = (
  scope: Scope | 'public',
  caller: Caller,
  res: ServerResponse,
) => Promise<string | undefined>;

export function createAccess({ keys, limiter, rate }: AccessOptions): Access {
  const needed = new Set<string>(['admin', ...keys.flatMap((key) => key.scopes)]);

  return async (scope, caller, res) => {
    const text = bearerIn(caller.authorization);
    const key = text === undefined ? undefined : findApiKey(keys, text);
    if (limiter && rate)
      await count(limiter, rate, key ? `key:${key.name}` : `address:${caller.address()}`, res);
    if (needed.has(scope)) demand(scope, { text, key }, res);
    return key?.name;
  };
}

/** Guards a route of Express. */
export function guard(access: Access, scope: Scope | 'public'): RequestHandler {
  return async (req, res, next) => {
    res.locals['key'] = await access(
      scope,
      { authorization: req.headers.authorization, address: () => req.ip ?? 'unknown' },
      res,
    );
    next();
  };
}

/** The name of the key that came past a {@link guard}; undefined for anybody. */
export function keyNameOf(res: Response): string | undefined {
  return res.locals['key'] as string | undefined;
}

/** The text after `Bearer` in an `Authorization` header. */
export function bearerIn(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1];
}

function demand(
  scope: string,
  { text, key }: { text: string | undefined; key: ApiKey | undefined },
  res: ServerResponse,
): void {
  if (key?.scopes.some((own) => own === scope)) return;
  if (key) throw new AgentPayError('forbidden', `This key does not have the scope ${scope}.`);
  res.setHeader('WWW-Authenticate', 'Bearer');
  throw new AgentPayError(
    'unauthorized',
    text === undefined ? 'This needs an API key.' : 'This API key is not known.',
  );
}

/** Counts the call and says so in the headers of draft-ietf-httpapi-ratelimit-headers-08. */
async function count(limiter: RateLimiter, rate: RateLimit, who: string, res: ServerResponse): Promise<void> {
  const taken = await limiter.take(who, rate);
  const window = Math.max(1, Math.ceil((60 * rate.burst) / rate.perMinute));
  res.setHeader('RateLimit-Policy', `"calls";q=${rate.burst};w=${window}`);
  res.setHeader('RateLimit', `"calls";r=${taken.remaining};t=${Math.ceil(taken.resetMs / 1000)}`);
  if (taken.allowed) return;
  throw new AgentPayError('rate_limited', 'Too many requests.', {
    retryAfter: Math.max(1, Math.ceil(taken.retryAfterMs / 1000)),
  });
}
