import type { IncomingMessage, ServerResponse } from 'node:http';
import { AgentPayError } from '@agentpay/primitives';
import { SIGN_IN_HEADER } from '@agentpay/protocol';
import { respondToError, markGranted, offer } from './outgoing/responses.js';
import { charge } from './paid/charge.js';
import { allowOrigin, respondToOptions } from './outgoing/cors.js';
import {
  createDiscovery,
  routeOf,
  expressRoutes,
  type Discovery,
  type DiscoveryOptions,
  type RunningPaywall,
} from './offer/discovery/index.js';
import { ambiguousPath, viewOf } from './paid/asked.js';
import { resourceUrl, type PricedContext, type RequestContext } from './paid/RequestContext.js';
import {
  asking,
  bodyOf,
  bridge,
  discardBody,
  writeResponse,
  type FetchHandler,
} from './outgoing/fetchStyle.js';
import { stampHead } from './paid/Gate.js';
import { type Earnings } from './seller/hooks.js';
import type { PaywallOptions } from './seller/options.js';
import { readConfig } from './seller/PaywallConfig.js';
import { openState } from './PaywallState.js';
import type { PaymentRail } from './rails/PaymentRail.js';
import { headerLists } from './rails/RailHeaders.js';
import { rails as allRails } from './rails/rails.js';
import { readPrice, type Authorize, type Price, type Verdict } from './seller/Price.js';
import { createPricing, type Pricing } from './seller/Pricing.js';
import { findProof, mayCarryProof, quotedBy, type FoundProof } from './paid/proof.js';
import { hasBody, NO_BODY, readBody, type RequestBody } from './paid/RequestBody.js';
import { compileRoutes } from './seller/routes.js';
import { targetOf, type Asking, type Next } from './paid/Request.js';
import { tellChallenge } from './paid/tell.js';
import { scopeText } from './paid/scope.js';

/** Middleware for Express 4 and 5, Connect and bare `node:http`. */
export type Middleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => unknown,
) => void;

/** Charges for what comes after it in the chain, and makes such middleware for single handlers. */
export interface Paywall extends Middleware {
  /**
   * Middleware that charges for the handlers after it, whatever their path. OPTIONS is free and does not reach them.
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
  charge(price: Price): Middleware;
  /**
   * The same for servers in the style of fetch: the response is the offer, a refusal, or what `handler` gives for a request that is free
   * or paid for. Charges by `price` or `routes`. (Not `handle`: Connect takes a function with that member for an application.)
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
  /**
   * Middleware that tells what is for sale: the option `routes`, and the `charge` routes of the Express application `app` and of `routers`.
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
   * for (const [route, { payments, amount }] of pay.earnings()) console.info(route, payments, amount);
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
   * well, and `onError` hears of what is wrong.
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
  const config = readConfig(options, (authorizationHeader) =>
    headerLists(
      rails.map(({ headers }) => headers),
      authorizationHeader,
    ),
  );
  const state = openState(config);
  const running: RunningPaywall = { config, state, rails };
  const priced = config.routes?.map(([pattern, terms]) => {
    return [pattern, terms === 'free' ? terms : createPricing(running, terms, pattern)] as const;
  });
  const priceOf = priceTable(running, priced);
  const charged = new WeakMap<object, Pricing>();

  function paywall(req: IncomingMessage, res: ServerResponse, next: Next): void {
    const found = priceOf(req);
    if (found === 'free') return void next();
    if (found === 'unpriced') return void next(unpriced());
    serve(running, found, { req, res, next });
  }

  paywall.charge = (price: Price): Middleware => {
    const pricing = createPricing(running, readPrice(price, 'charge()'));
    const charge: Middleware = (req, res, next) => {
      serve(running, { pricing }, { req, res, next });
    };
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
    const pricingOf = (handler: unknown) => charged.get(handler as object);
    const { app, routers = {} } = options;
    return createDiscovery(running, options, () => [...listed, ...expressRoutes(app, routers, pricingOf)]);
  };
  paywall.used = state.usage.say;
  paywall.earnings = state.earnings.all;
  paywall.metrics = () => state.counters.text(state.earnings.all());
  paywall.idle = state.background.idle;
  paywall.ready = async () => {
    const faults = await state.facilitatorFaults();
    if (faults.length > 0) throw new TypeError(`paywall(): ${faults.join(' ')}`);
  };
  state.watchFacilitators();
  return paywall;
}

const unpriced = () => new TypeError('paywall() needs price or routes to be used as middleware.');

type Charged = Pick<RequestContext, 'pricing'> & Partial<Pick<RequestContext, 'allow' | 'refusal'>>;
type Found = 'free' | 'unpriced' | Charged;

type Priced = readonly (readonly [pattern: string, pricing: Pricing | 'free'])[];

function priceTable(running: RunningPaywall, priced: Priced | undefined): (req: Asking) => Found {
  const { price } = running.config;
  if (price) {
    const found = { pricing: createPricing(running, price) };
    return () => found;
  }
  if (!priced) return () => 'unpriced';
  const exact = compileRoutes(priced);
  const mounts = compileRoutes(priced, { mounts: true });
  const anyPricing = priced.map(([, pricing]) => pricing).find((pricing) => pricing !== 'free') as Pricing;
  return (req) => {
    const table = isByConnect(req) ? mounts : exact;
    const match = table(req.method ?? 'GET', [targetOf(req), req.url ?? '/']);
    switch (match.kind) {
      case 'priced':
        return { pricing: match.price };
      case 'free':
        return 'free';
      case 'method_not_priced':
        return { pricing: anyPricing, allow: match.allow, refusal: METHOD_NOT_PRICED };
      default:
        return { pricing: anyPricing, refusal: PATH_AMBIGUOUS };
    }
  };
}

interface Arrival extends Pick<RequestContext, 'req' | 'res' | 'next'> {
  /** Default: reads what Node holds. */
  readonly read?: (maxBytes: number) => Promise<RequestBody>;
}

/** Connect keeps the whole target, as Express does, which adds its application. */
function isByConnect(req: Asking): boolean {
  return req.originalUrl !== undefined && req.app === undefined;
}

const METHOD_NOT_PRICED = new AgentPayError(
  'method_not_priced',
  'This path is for sale under other methods.',
);
const PATH_AMBIGUOUS = ambiguousPath();

function serve(
  { config, state, rails }: RunningPaywall,
  { pricing, allow, refusal }: Charged,
  { req, res, next, read = (maxBytes) => readBody(req, maxBytes) }: Arrival,
): void {
  let whole: Promise<RequestBody> | undefined;
  const body = () => (whole ??= read(config.maxBodyBytes));
  const context: RequestContext = {
    config,
    state,
    pricing,
    allow,
    refusal,
    req,
    res,
    next,
    body,
    gate: undefined,
    quote: undefined,
    requestId: undefined,
  };
  allowOrigin(context);
  if (req.method === 'OPTIONS') return respondToOptions(context);
  serveNow(context, rails)
    ?.catch((error: unknown) => respondToError(context, rails, error))
    .catch((error: unknown) => {
      config.report({ what: 'an answer could not be sent', error });
      res.destroy();
    });
}

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

/** Requests that pay, each by a proof that no other charge can be paid with. */
const paying = new WeakSet<IncomingMessage>();

/** What carries neither proof nor body is answered without waiting for anything, unless it takes a function to price it. */
function serveNow(context: RequestContext, rails: readonly PaymentRail[]): Promise<void> | undefined {
  const { refusal, pricing } = context;
  if (paying.has(context.req)) return refuseSecondCharge();
  if (refusal) return Promise.reject(refusal);
  if (!pricing.fixed || pricing.authorize || hasBody(context.req) || mayCarryProof(context))
    return admit(context, rails);
  try {
    return challenge(withQuote(context, pricing.fixed), rails, NO_BODY);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Finds out whether a request has to pay, and how much. */
async function admit(context: RequestContext, rails: readonly PaymentRail[]): Promise<void> {
  const { pricing } = context;
  const verdict = pricing.authorize ? await verdictOf(context, pricing.authorize) : 'pay';
  if (verdict === 'refuse') throw new AgentPayError('forbidden', 'The seller does not serve this request.');
  if (verdict === 'grant') return serveFree(context);
  // A HEAD tells what a GET would: it neither takes nor spends a payment.
  const proof = context.req.method === 'HEAD' ? undefined : await findProof(context, rails);
  // The handler must not be the first to read the body that a payer is remembered by.
  if (pricing.extensions.signIn) await context.body();
  if (await mayComeBack(context, proof)) return serveFree(context);
  await pricing.ready();
  const quote =
    pricing.fixed ?? (proof && (await quotedBy(context, proof))) ?? (await pricing.current(viewOf(context)));
  if (quote === 'free') return serveFree(context);
  const priced = withQuote(context, quote);
  if (!proof) return challenge(priced, rails, await context.body());
  paying.add(context.req);
  return charge(priced, proof);
}

async function verdictOf(context: RequestContext, authorize: Authorize): Promise<Verdict> {
  const view = viewOf(context);
  try {
    const verdict = await authorize(view.asked);
    if (view.fault) throw view.fault;
    if (['grant', 'refuse', 'pay'].includes(verdict)) return verdict;
  } catch (error) {
    throw view.fault ?? error;
  }
  throw new TypeError('authorize must give "grant", "refuse" or "pay".');
}

/** Whether the request says that it was paid for, and that is true. One that says so wrongly may still bring a payment. */
async function mayComeBack(context: RequestContext, proof: FoundProof | undefined): Promise<boolean> {
  const header = context.req.headers[SIGN_IN_HEADER.toLowerCase()];
  if (!context.pricing.extensions.signIn || typeof header !== 'string') return false;
  try {
    await context.state.signIns.admit(header, {
      url: resourceUrl(context),
      scope: scopeText(context.req, await context.body()),
    });
    return true;
  } catch (error) {
    if (proof) return false;
    throw error;
  }
}

function challenge(context: PricedContext, rails: readonly PaymentRail[], body: RequestBody): undefined {
  offer(context, { rails, body });
  tellChallenge(context);
}

/** The same object, so that whoever answers for the context sees the gate of the context. */
function withQuote(context: RequestContext, quote: PricedContext['quote']): PricedContext {
  context.quote = quote;
  return context as PricedContext;
}

async function serveFree(context: RequestContext): Promise<void> {
  stampHead(context.res, () => markGranted(context));
  await context.next();
}

async function refuseSecondCharge(): Promise<never> {
  throw new TypeError('Two paywalls charge for the same request: mount one of them.');
}
