import type { IncomingMessage, ServerResponse } from 'node:http';
import { AgentPayError, type RateLimit, type RateLimiter, type RateVerdict } from '@agentpay/primitives';
import type { RequestHandler, Response } from 'express';
import { addressOf, rateLimitedBy, writeRateLimit } from '@agentpay/http';
import { findApiKey, type ApiKey, type Scope } from '../operations/ApiKey.js';

/** Who may call, and how often. */
export interface AccessOptions {
  readonly keys: readonly ApiKey[];
  /** Both or none: without them calls are not counted. */
  readonly limiter?: RateLimiter | undefined;
  readonly rate?: RateLimit | undefined;
  /** Number of proxies in front whose X-Forwarded-For is believed. Default 0. */
  readonly trustProxyHops?: number | undefined;
}

/**
 * Lets a caller in; gives the name of its key, undefined for anybody. `/verify` and `/settle` are open to all unless some key has their
 * scope; `admin` is never open; `public` asks for no key. Calls are counted by key, else by address. An address from which too many keys
 * were refused is refused before its next one is looked up, right or wrong, so that keys cannot be tried out. Headers about limits and
 * keys are set on `res`.
 * @throws AgentPayError `unauthorized`, `forbidden`, `rate_limited`
 */
export type Access = (
  scope: Scope | 'public',
  req: IncomingMessage,
  res: ServerResponse,
) => Promise<string | undefined>;

/**
 * Lets callers in by their API keys, and counts their calls.
 * @example
 * ```ts
 * import { createAccess, newApiKey, parseApiKeys } from '@agentpay/facilitator';
 * import { systemClock, systemRandom } from '@agentpay/primitives';
 * import { memoryRateLimiter } from '@agentpay/tracker';
 *
 * const { entry } = newApiKey('shop', ['verify', 'settle'], systemRandom);
 * const keys = parseApiKeys([entry]);
 * if (typeof keys === 'string') throw new Error(`API_KEYS ${keys}.`);
 * const limiter = memoryRateLimiter(systemClock);
 * createAccess({ keys, limiter, rate: { perMinute: 600, burst: 100 } }); // for `createApp`
 * ```
 */
export function createAccess({ keys, limiter, rate, trustProxyHops = 0 }: AccessOptions): Access {
  const needed = new Set<string>(['admin', ...keys.flatMap((key) => key.scopes)]);
  const limit = limiter && rate && { limiter, rate };

  return async (scope, req, res) => {
    const text = bearerIn(req.headers.authorization);
    const refusals = () => `refused:${addressOf(req, trustProxyHops)}`;
    if (limit && text !== undefined) await assertNotGuessing(limit, refusals(), res);
    const key = text === undefined ? undefined : findApiKey(keys, text);
    const counted = () => (text === undefined ? `address:${addressOf(req, trustProxyHops)}` : refusals());
    if (limit) await count(limit, key ? `key:${key.name}` : counted(), res);
    if (needed.has(scope)) demand(scope, { text, key }, res);
    return key?.name;
  };
}

/** Guards a route of Express. */
export function guard(access: Access, scope: Scope | 'public'): RequestHandler {
  return async (req, res, next) => {
    res.locals['key'] = await access(scope, req, res);
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

interface Limit {
  readonly limiter: RateLimiter;
  readonly rate: RateLimit;
}

/** Counts the call and says so in the headers of draft-ietf-httpapi-ratelimit-headers-08. */
async function count({ limiter, rate }: Limit, who: string, res: ServerResponse): Promise<void> {
  tell(await limiter.take(who, rate), rate, res);
}

async function assertNotGuessing({ limiter, rate }: Limit, who: string, res: ServerResponse): Promise<void> {
  const seen = await limiter.look(who, rate);
  if (!seen.allowed) tell(seen, rate, res);
}

function tell(verdict: RateVerdict, rate: RateLimit, res: ServerResponse): void {
  writeRateLimit(res, verdict, { rate, headers: 'draft-08' });
  if (!verdict.allowed) throw rateLimitedBy(verdict);
}
