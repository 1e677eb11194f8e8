import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { outbound } from '@agentpay/http';
import { paywall, type PaywallOptions } from '@agentpay/paywall';
import { memoryStore, systemClock } from '@agentpay/primitives';
import { routesOf } from './apiDocument.js';
import { problem } from './problem.js';
import type { Shop, ShopOptions } from './Shop.js';
import { priceText, type Prices } from './prices.js';
import { reverseProxy } from './reverseProxy.js';
import type { Sold } from './SellOptions.js';

/** A stream may go on for so long; what is not streamed has the paywall's own time limit. */
const STREAM_MS = 60 * 60 * 1000;
/** Connections to the API at once. */
const CONNECTIONS = 256;

/**
 * Sells an HTTP API: prices by route, and behind them a proxy. A request that accepts `text/event-stream` is charged before it is passed
 * on, so that its response can stream; the offer is the same.
 */
export function sellHttp(sold: Extract<Sold, { kind: 'http' }>, options: ShopOptions): Shop {
  const { selling, price, prices, timeoutMs, log } = options;
  const { upstream, headers, document } = sold;
  const routes = routesOf(document, { price, prices });
  const { host, hostname } = new URL(upstream);
  const { streamOut, close } = outbound({
    clock: systemClock,
    allowHosts: [host, hostname],
    perServer: CONNECTIONS,
  });
  // Both know each other's payments: a proof buys one response, streamed or not.
  const shared: PaywallOptions = { ...selling, store: memoryStore(systemClock), routes };
  const pay = paywall({ ...shared, handlerTimeoutMs: timeoutMs });
  const payFirst = paywall({ ...shared, routes: settledBefore(routes) });
  const pass = reverseProxy({ upstream, headers, streamOut, onFault: log, timeoutMs: STREAM_MS });
  const discover = pay.discovery(
    document ? { openapi: ownServers(document.openapi) } : { title: 'Sold by AgentPay' },
  );

  const handle: RequestListener = (req, res) => {
    if (isWebSocket(req))
      return problem(
        res,
        501,
        'websocket_not_sold',
        'WebSocket connections are not sold here: use HTTP or server-sent events.',
      );
    const next = (error?: unknown) =>
      error ? problem(res, 500, 'internal_error', 'The request could not be served.') : sell(req, res);
    discover(req, res, next);
  };
  function sell(req: IncomingMessage, res: ServerResponse): void {
    const wall = acceptsStream(req) ? payFirst : pay;
    // A paywall that refuses has responded by itself; `next` comes for what is paid or free.
    wall(req, res, () => pass(req, res));
  }
  return {
    handle,
    ready: () => pay.ready(),
    listed: Object.entries(routes).map(([route, entry]) => ({
      name: route === '/*' ? 'everything else' : route,
      price: shownPrice(entry as Prices[string]),
    })),
    path: '/',
    async close() {
      await Promise.all([pay.idle(), payFirst.idle()]);
      await close();
    },
  };
}

function shownPrice(entry: Prices[string]): string {
  return typeof entry === 'object' && 'authorize' in entry ? 'not for sale' : priceText(entry);
}

/** The same prices, each taken before the request is passed on. */
function settledBefore(routes: ReturnType<typeof routesOf>): ReturnType<typeof routesOf> {
  const entries = Object.entries(routes).map(([route, price]) => {
    if (price === 'free' || typeof price === 'function') return [route, price] as const;
    return [
      route,
      { ...(typeof price === 'string' ? { price } : price), settle: 'before' as const },
    ] as const;
  });
  return Object.fromEntries(entries);
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return /(^|,)\s*websocket\b/i.test(headers.upgrade ?? '');
}

function acceptsStream({ headers }: IncomingMessage): boolean {
  return /(^|,)\s*text\/event-stream\b/i.test(headers.accept ?? '');
}

/** Buyers come here, and not to the API itself. */
function ownServers<T extends { servers?: unknown }>(document: T): T {
  return { ...document, servers: [{ url: '/' }] };
}
