import { buyer, decodeRequest, encodeResponse } from '@agentpay/api';
import { paywall } from '@agentpay/paywall';
import { AgentPayError } from '@agentpay/primitives';
import type { Express, Request, Response as HttpResponse } from 'express';
import type { DemoSellerOptions } from './DemoSellerOptions.js';
import { rememberFamily } from './errors.js';
import { refuseMethod } from './mount.js';
import type { Limit } from './rateLimit.js';

const PRICE = '$0.01';
const endpoint = buyer.paid.demoSeller;

/**
 * `GET /api/demo/seller`: something to try buying on. Sells in x402 and MPP; `?protocol=x402` or `?protocol=mpp` offers one of them alone.
 */
export function demoSellerRoutes(
  app: Express,
  { demo, limit }: { demo: DemoSellerOptions | undefined; limit: Limit },
): void {
  const wall = demo && paywall({ ...demo, price: { price: PRICE, description: 'Mock market data' } });
  app.get(endpoint.path, async (request, response) => {
    response.locals['endpoint'] = endpoint.id;
    rememberFamily(response, buyer);
    await limit.address(request, response);
    if (!wall) throw new AgentPayError('settlement_not_configured', 'There is no demo seller here.');
    const { protocol } = decodeRequest(endpoint, { params: {}, query: request.query, body: {} }).query;
    const served = await wall.respond(asked(request), async () => Response.json(goods()));
    await pass(protocol === undefined ? served : await only(protocol, served), response);
  });
  app.all(endpoint.path, refuseMethod(buyer, ['GET']));
}

/** The request as `fetch` writes it. */
function asked(request: Request): globalThis.Request {
  const headers = Object.entries(request.headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, one ?? '']),
  );
  return new globalThis.Request(`${request.protocol}://${request.get('host')}${request.originalUrl}`, {
    headers,
  });
}

function goods() {
  const source = 'AgentPay demo seller';
  return encodeResponse(endpoint, { symbol: 'ETH/USD', price: '3142.50', source, mock: true });
}

/** The offers of one protocol. What was paid for is as it is. */
async function only(protocol: 'x402' | 'mpp', served: Response): Promise<Response> {
  if (served.status !== 402) return served;
  const headers = new Headers(served.headers);
  if (protocol === 'x402') {
    headers.delete('www-authenticate');
    return new Response(await served.arrayBuffer(), { status: 402, headers });
  }
  headers.delete('payment-required');
  headers.delete('content-length');
  return new Response(JSON.stringify({ error: 'payment_required' }), { status: 402, headers });
}

async function pass(served: Response, response: HttpResponse): Promise<void> {
  response.status(served.status);
  for (const [name, value] of served.headers) response.setHeader(name, value);
  response.end(Buffer.from(await served.arrayBuffer()));
}
