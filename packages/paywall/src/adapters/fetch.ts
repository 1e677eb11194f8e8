import type { Responding } from '../outgoing/fetchStyle.js';

/**
 * A handler in the style of fetch that is charged for, such as a route handler of Next.js. What the server hands over besides the request
 * reaches the handler. The paywall runs in Node; in Bun and Deno it needs their modules for Node and is not tested.
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
  pay: Responding,
  handler: (request: R, ...rest: Rest) => Response | Promise<Response>,
): (request: R, ...rest: Rest) => Promise<Response> {
  return (request, ...rest) => pay.respond(request, () => handler(request, ...rest));
}
