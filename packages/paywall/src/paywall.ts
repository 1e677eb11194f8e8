import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createDiscovery,
  routeOf,
  expressRoutes,
  type Discovery,
  type DiscoveryOptions,
  type Route,
  type RunningPaywall,
} from './offer/discovery/index.js';
import {
  asking,
  bodyOf,
  bridge,
  discardBody,
  writeResponse,
  type FetchHandler,
} from './outgoing/fetchStyle.js';
import { announcement } from './seller/announcement.js';
import { facilitatorFaults } from './seller/facilitatorCheck.js';
import { type Earnings } from './seller/hooks.js';
import type { PaywallOptions } from './seller/options.js';
import { readConfig } from './seller/PaywallConfig.js';
import { openState } from './PaywallState.js';
import type { PaymentRail } from './rails/PaymentRail.js';
import { headerLists } from './rails/RailHeaders.js';
import { rails as allRails } from './rails/rails.js';
import { readPrice, type Price, type PricedRoute } from './seller/Price.js';
import { priceTable } from './seller/priceTable.js';
import { serve, type Charged } from './paid/serve.js';
import { createPricing, type Pricing } from './seller/Pricing.js';
import type { Next } from './paid/Request.js';

/** Middleware for Express 4 and 5, Connect and bare `node:http`. */
export type Middleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => unknown,
) => void;

/** Middleware that charges for what comes after it in the chain. */
export interface Charge extends Middleware {
  /**
   * The same for servers in the style of fetch: the response is the offer, a refusal, or what `handler` gives for a request that is free
   * or paid for. (Not `handle`: Connect takes a function with that member for an application.)
   * @example
   * ```ts
   * import { paywall } from '@agentpay/paywall';
   *
   * const pay = paywall({
   *   payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
   *   facilitator: 'http://127.0.0.1:3102',
   *   price: '$0.01',
   * });
   * const request = new Request('https://shop.example/weather');
   * const response = await pay.respond(request, () => Response.json({ sky: 'blue' }));
   * response.status; // 402
   * ```
   */
  respond(request: globalThis.Request, handler: FetchHandler): Promise<Response>;
}

/** Charges by its table of prices, and makes such middleware for single handlers. */
export interface Paywall extends Charge {
  /**
   * Middleware that charges for the handlers after it, whatever their path. OPTIONS is free and never reaches them.
   * `options` are those of a priced route: `charge('$0.01', { hold: true })`.
   * @throws TypeError for a wrong price
   * @example
   * ```ts
   * import express from 'express';
   * import { paywall } from '@agentpay/paywall';
   *
   * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
   * const app = express();
   * app.get('/weather', pay.charge('$0.01'), (req, res) => void res.json({ sky: 'blue' }));
   * ```
   */
  charge(price: Price, options?: Omit<PricedRoute, 'price' | 'upto'>): Charge;
  /**
   * Middleware that lists what is for sale: the option `routes`, the `charge` routes of the Express application `app` and of `routers`, and
   * `charges` of other frameworks by their paths.
   * @throws TypeError for a wrong option
   * @example
   * ```ts
   * import express from 'express';
   * import { paywall } from '@agentpay/paywall';
   *
   * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
   * const app = express();
   * app.use(pay.discovery({ app, title: 'Weather' }));
   * app.get('/weather', pay.charge('$0.01'), (req, res) => void res.json({ sky: 'blue' }));
   * ```
   */
  discovery(options?: DiscoveryOptions): Discovery;
  /**
   * Says what a request to an `upto` route has used, such as "$0.003" or micro-dollars as a bigint, before its response ends. The last word
   * counts; more than the ceiling counts as the ceiling, and nothing said as nothing. No other request is touched by it.
   * @throws TypeError for what is no amount
   * @example
   * ```ts
   * import express from 'express';
   * import { paywall } from '@agentpay/paywall';
   *
   * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
   * const app = express();
   * app.post('/generate', pay.charge({ upto: '$0.10' }), (req, res) => {
   *   const { text, tokens } = { text: 'Blue.', tokens: 150n };
   *   pay.used(req, tokens * 20n);
   *   res.json({ text });
   * });
   * ```
   */
  used(request: object, amount: string | bigint): void;
  /**
   * What each route has earned in this process.
   * @example
   * ```ts
   * import { paywall } from '@agentpay/paywall';
   *
   * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
   * const microDollars = [...pay.earnings().values()].reduce((sum, { amount }) => sum + amount, 0n);
   * ```
   */
  earnings(): ReadonlyMap<string, Earnings>;
  /**
   * What has happened in this process, by route, in the text format of Prometheus.
   * @example
   * ```ts
   * import express from 'express';
   * import { paywall } from '@agentpay/paywall';
   *
   * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
   * const app = express();
   * app.get('/metrics', (req, res) => void res.type('text/plain; version=0.0.4').send(pay.metrics()));
   * ```
   */
  metrics(): string;
  /**
   * Resolves when every facilitator says that it settles what is sold here; wait for it at start. They are asked in the background as
   * well, and faults go to `onError`.
   * @throws TypeError that says in one line what is wrong
   * @example
   * ```ts
   * import { paywall } from '@agentpay/paywall';
   *
   * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
   * await pay.ready();
   * ```
   */
  ready(): Promise<void>;
  /**
   * Resolves when no payment is being settled in the background; wait for it before the process ends.
   * @example
   * ```ts
   * import { paywall } from '@agentpay/paywall';
   *
   * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
   * process.once('SIGTERM', () => void pay.idle().then(() => process.exit()));
   * ```
   */
  idle(): Promise<void>;
}

/**
 * A paywall: as middleware it charges by its `price` or `routes`; `charge` attaches a price to a handler.
 * Accepts x402 v2 and v1 (`exact`, by EIP-3009 and in v2 by Permit2), MPP (`evm` charge) and, where configured, AgentPay payment tokens.
 * @throws TypeError that names the option at fault
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { paywall } from '@agentpay/paywall';
 *
 * const pay = paywall({
 *   payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
 *   facilitator: 'http://127.0.0.1:3102',
 *   routes: { 'GET /weather': '$0.01', '/items/:id': { price: '$0.02', description: 'One item' } },
 * });
 * createServer((req, res) => pay(req, res, () => res.end('blue')));
 * ```
 */
export function paywall(options: PaywallOptions): Paywall {
  return paywallWith(allRails, options);
}

/** A paywall whose offers can be paid in these dialects. @throws as {@link paywall} does */
export function paywallWith(rails: readonly PaymentRail[], options: PaywallOptions): Paywall {
  const headers = rails.map((rail) => rail.headers);
  const config = readConfig(options, (authorizationHeader) => headerLists(headers, authorizationHeader));
  const state = openState(config);
  const running: RunningPaywall = { config, state, rails };
  const priced = config.routes?.map(([pattern, terms]) => {
    return [pattern, terms === 'free' ? terms : createPricing(running, terms, pattern)] as const;
  });
  const priceOf = priceTable(running, priced);
  const announce = announcement(running);
  const charged = new WeakMap<object, Pricing>();

  function paywall(req: IncomingMessage, res: ServerResponse, next: Next): void {
    const found = priceOf(req);
    if (found === 'free') return void next();
    if (found === 'unpriced') return void next(unpriced());
    serve(running, found, { req, res, next });
  }

  paywall.charge = (price: Price, options?: Omit<PricedRoute, 'price' | 'upto'>): Charge => {
    const terms = readPrice(withOptions(price, options), 'charge()');
    const pricing = createPricing(running, terms);
    announce(terms);
    const middleware: Middleware = (req, res, next) => {
      serve(running, { pricing }, { req, res, next });
    };
    const charge: Charge = Object.assign(middleware, {
      respond: (request: globalThis.Request, handler: FetchHandler) =>
        respond(running, { pricing }, request, handler),
    });
    charged.set(charge, pricing);
    return charge;
  };
  paywall.respond = async (request: globalThis.Request, handler: FetchHandler): Promise<Response> => {
    const found = priceOf(asking(request));
    if (found === 'free') return handler(request);
    if (found === 'unpriced') throw unpriced();
    return respond(running, found, request, handler);
  };
  paywall.discovery = (options: DiscoveryOptions = {}): Discovery => {
    const listed = (priced ?? []).map(([pattern, pricing]) => routeOf(pattern, pricing));
    return createDiscovery(running, options, routesBy(options, { listed, charged }));
  };
  paywall.used = state.usage.say;
  paywall.earnings = state.earnings.all;
  paywall.metrics = () => state.counters.text(state.earnings.all());
  paywall.idle = state.background.idle;
  paywall.ready = async () => {
    const faults = await facilitatorFaults(state.used);
    if (faults.length > 0) throw new TypeError(`paywall(): ${faults.join(' ')}`);
  };
  return paywall;
}

/** What discovery lists: the option `routes`, charges by their paths, and what an application of Express has by then. */
function routesBy(
  { app, routers = {}, charges = {} }: DiscoveryOptions,
  { listed, charged }: { listed: readonly Route[]; charged: WeakMap<object, Pricing> },
): () => readonly Route[] {
  const pricingOf = (handler: unknown) => charged.get(handler as object);
  const named = Object.entries(charges).map(([pattern, charge]) => {
    const pricing = pricingOf(charge);
    if (pricing) return routeOf(pattern, pricing);
    throw new TypeError(`discovery(): "${pattern}" in charges must be a charge() of this paywall.`);
  });
  return () => [...listed, ...named, ...expressRoutes(app, routers, pricingOf)];
}

/** A price with the options beside it. */
function withOptions(price: Price, options: Omit<PricedRoute, 'price' | 'upto'> | undefined): Price {
  if (!options) return price;
  return typeof price === 'object' ? { ...price, ...options } : { price, ...options };
}

const unpriced = () => new TypeError('paywall() needs price or routes to be used as middleware.');

async function respond(
  running: RunningPaywall,
  charged: Charged,
  request: globalThis.Request,
  handler: FetchHandler,
): Promise<Response> {
  const { req, res, response } = bridge(request);
  running.state.usage.alias(req, request);
  let isHandled = false;
  const next = async () => {
    isHandled = true;
    await writeResponse(res, await handler(request));
  };
  serve(running, charged, { req, res, next, read: (maxBytes) => bodyOf(request, maxBytes) });
  const answer = await response;
  if (!isHandled) discardBody(request);
  return answer;
}
