import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from '../paywall.js';

/** What is used of Koa's context. */
interface KoaContext {
  readonly req: IncomingMessage & { originalUrl?: string };
  readonly res: ServerResponse;
  readonly originalUrl: string;
  respond?: boolean | undefined;
}

/** Middleware of Koa. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>;

/**
 * A paywall, one of its charges, or its discovery, as middleware of Koa.
 * @example
 * ```ts
 * import Koa from 'koa';
 * import { paywall } from '@agentpay/paywall';
 * import { koaPaywall } from '@agentpay/paywall/koa';
 *
 * const pay = paywall({
 *   payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
 *   facilitator: 'http://127.0.0.1:3102',
 *   routes: { 'GET /weather': '$0.01' },
 * });
 * const app = new Koa();
 * app.use(koaPaywall(pay));
 * app.use((context) => void (context.body = { sky: 'blue' }));
 * app.listen(3000);
 * ```
 */
export function koaPaywall(pay: Middleware): KoaMiddleware {
  return (context, next) =>
    new Promise((resolve, reject) => {
      // Koa writes a response of its own at the end, unless somebody else does.
      context.respond = false;
      // As Express does: proofs are bound to the whole path, also below a mount.
      context.req.originalUrl = context.originalUrl;
      context.res.once('close', () => resolve(undefined));
      pay(context.req, context.res, (error) => {
        context.respond = true;
        if (error === undefined) resolve(next());
        else reject(error as Error);
      });
    });
}
