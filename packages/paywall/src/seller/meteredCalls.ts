import { systemClock, type Clock } from '@agentpay/primitives';
import {
  AGENTPAY_USAGE_TOKEN,
  readUsageToken,
  usageTokenKid,
  type UsageTokenClaims,
} from '@agentpay/protocol';
import { keySet } from './keySet.js';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Tells metered calls from others: those that AgentPay relays under a usage agreement, and counts and settles itself. They are served
 * without a payment.
 * @param options.url the AgentPay API
 * @param options.service id of the service that the agreements are about
 * @returns what AgentPay says of a request, checked by its published keys; undefined for every other request
 * @example
 * ```ts
 * import express from 'express';
 * import { meteredCalls, paywall } from '@agentpay/paywall';
 *
 * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
 * const metered = meteredCalls({ url: 'https://pay.example.com', service: 'svc_01' });
 * const charge = pay.charge('$0.01');
 * const app = express();
 * app.use(async (req, res, next) => ((await metered(req)) ? next() : charge(req, res, next)));
 * ```
 */
export function meteredCalls({
  url,
  service,
  clock = systemClock,
  fetch = globalThis.fetch,
}: {
  readonly url: string;
  readonly service: string;
  readonly clock?: Clock;
  readonly fetch?: typeof globalThis.fetch;
}): (request: { readonly headers: Headers }) => Promise<UsageTokenClaims | undefined> {
  const keys = keySet(`${url.replace(/\/+$/, '')}/.well-known/jwks.json`, { clock, fetch });
  return async ({ headers }) => {
    const token = headers[AGENTPAY_USAGE_TOKEN.toLowerCase()];
    const kid = typeof token === 'string' ? usageTokenKid(token) : undefined;
    if (typeof token !== 'string' || kid === undefined) return undefined;
    const now = Math.floor(clock.now() / 1000);
    return readUsageToken(token, await keys(kid), { now, audience: service });
  };
}
