import type { Charge } from '../paywall.js';

/**
 * A handler in the style of fetch that is charged for: route handlers of Next.js, Bun, Deno, edge workers. What the server hands over
 * besides the request reaches the handler.
 * @example
 * ```ts
 * import { paywall } from '@agentpay/paywall';
 * import { paidHandler } from '@agentpay/paywall/fetch';
 *
 * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
 * // app/weather/[city]/route.ts of Next.js
 * export const GET = paidHandler(
 *   pay.charge('$0.01'),
 *   async (_request, { params }: { params: Promise<{ city: string }> }) => Response.json(await params),
 * );
 * ```
 */
export function paidHandler<R extends Request, Rest extends readonly unknown[]>(
  pay: Charge,
  handler: (request: R, ...rest: Rest) => Response | Promise<Response>,
): (request: R, ...rest: Rest) => Promise<Response> {
  return (request, ...rest) => pay.respond(request, () => handler(request, ...rest));
}
