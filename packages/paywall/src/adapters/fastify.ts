import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from '../paywall.js';

/** An `onRequest` hook of Fastify. */
export type FastifyHook = (
  request: { readonly raw: IncomingMessage },
  reply: { readonly raw: ServerResponse },
  done: (error?: Error) => void,
) => void;

/**
 * A paywall, one of its charges, or its discovery, as `onRequest` hook of Fastify. Routes
 * of a price table are whole paths, also within a prefix.
 * @example
 * ```ts
 * import Fastify from 'fastify';
 * import { paywall } from '@agentpay/paywall';
 * import { fastifyPaywall } from '@agentpay/paywall/fastify';
 *
 * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
 * const app = Fastify();
 * app.get('/weather', { onRequest: fastifyPaywall(pay.charge('$0.01')) }, async () => ({ sky: 'blue' }));
 * await app.listen({ port: 3000, host: '0.0.0.0' });
 * ```
 */
export function fastifyPaywall(pay: Middleware): FastifyHook {
  return (request, reply, done) => pay(request.raw, reply.raw, (error) => done(error as Error | undefined));
}
