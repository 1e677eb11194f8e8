import type { Responding } from '../outgoing/fetchStyle.js';

/** What is used of Hono's context. */
interface HonoContext {
  readonly req: { readonly raw: Request };
  res: Response;
}

/** Middleware of Hono. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<void>;

/**
 * A paywall, one of its charges, or its discovery, as middleware of Hono. Routes
 * of a price table are whole paths, whatever the application is mounted at.
 * @example
 * ```ts
 * import { serve } from '@hono/node-server';
 * import { Hono } from 'hono';
 * import { paywall } from '@agentpay/paywall';
 * import { honoPaywall } from '@agentpay/paywall/hono';
 *
 * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
 * const app = new Hono();
 * app.get('/weather', honoPaywall(pay.charge('$0.01')), (context) => context.json({ sky: 'blue' }));
 * serve({ fetch: app.fetch, port: 3000 });
 * ```
 */
export function honoPaywall(pay: Responding): HonoMiddleware {
  return async (context, next) => {
    const response = await pay.respond(context.req.raw, async () => {
      await next();
      return context.res;
    });
    // Hono puts the headers of the response before onto the next one, also those that the paywall has changed.
    (context as { res: Response | undefined }).res = undefined;
    context.res = response;
  };
}
