import type { IncomingMessage, ServerResponse } from 'node:http';
import { AgentPayError } from '@agentpay/primitives';
import { answerError, offer } from './answers.js';
import { charge } from './charge.js';
import { targetOf, type Exchange, type Next, type Request } from './Exchange.js';
import { readOptions, type PaywallOptions, type Settings } from './options.js';
import { readPrice, type Price } from './Price.js';
import { createQuote, type Quote } from './Quote.js';
import { mayCarryProof } from './proof.js';
import { hasBody, NO_BODY, readBody, type RequestBody } from './RequestBody.js';
import { compileRoutes } from './routes.js';

/** Middleware for Express 4 and 5, Connect and bare `node:http`. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => unknown) => void;

/** Charges for what comes after it in the chain, and makes such middleware for single handlers. */
export interface Paywall extends Middleware {
  /** Middleware that charges for the handlers after it, whatever their path; OPTIONS is free. @throws TypeError for a wrong price */
  charge(price: Price): Middleware;
}

/**
 * A paywall: as middleware it charges by its `price` or `routes`; `charge` attaches a price to a handler.
 * Accepts x402 v2 and v1 (`exact`, EIP-3009), MPP (`evm` charge) and, where configured, AgentPay payment tokens.
 * @throws TypeError that names the option at fault
 */
export function paywall(options: PaywallOptions): Paywall {
  const settings = readOptions(options);
  const quoteOf = quoter(settings);

  function paywall(req: IncomingMessage, res: ServerResponse, next: Next): void {
    const found = quoteOf(req);
    if (found === 'free') return void next();
    if (found === 'unpriced') return void next(new TypeError('paywall() needs price or routes to be used as middleware.'));
    serve({ settings, req, res, next, ...found });
  }

  paywall.charge = (price: Price): Middleware => {
    const quote = createQuote(settings, readPrice(price, 'charge()'));
    return function charge(req, res, next) {
      if (req.method === 'OPTIONS') return void next();
      serve({ settings, req, res, next, quote });
    };
  };
  return paywall;
}

type Found = 'free' | 'unpriced' | { readonly quote: Quote } | { readonly quote: Quote; readonly allow: readonly string[] };

function quoter(settings: Settings): (req: Request) => Found {
  const { price, routes } = settings;
  if (price) {
    const found = { quote: createQuote(settings, price) };
    return ({ method }) => (method === 'OPTIONS' ? 'free' : found);
  }
  if (!routes) return () => 'unpriced';
  const quoted = routes.map(([pattern, terms]) => [pattern, terms === 'free' ? terms : createQuote(settings, terms)] as const);
  const table = compileRoutes(quoted);
  const anyQuote = quoted.map(([, quote]) => quote).find((quote) => quote !== 'free');
  return (req) => {
    const match = table(req.method ?? 'GET', [targetOf(req), req.url ?? '/']);
    if (match.kind === 'priced') return { quote: match.price };
    return match.kind === 'free' ? 'free' : { quote: anyQuote as Quote, allow: match.allow };
  };
}

function serve(parts: Pick<Exchange, 'settings' | 'req' | 'res' | 'next' | 'quote' | 'allow'>): void {
  let body: Promise<RequestBody> | undefined;
  const exchange: Exchange = { ...parts, body: () => (body ??= readBody(parts.req, parts.settings.maxBodyBytes)) };
  serveNow(exchange)?.catch((error: unknown) => answerError(exchange, error)).catch((error: unknown) => {
    exchange.settings.report({ what: 'an answer could not be sent', error });
    exchange.res.destroy();
  });
}

/** What carries neither proof nor body is answered without waiting for anything. */
function serveNow(exchange: Exchange): Promise<void> | undefined {
  if (exchange.allow) return refuseMethod();
  if (hasBody(exchange.req) || mayCarryProof(exchange)) return charge(exchange);
  try {
    return void offer(exchange, NO_BODY);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function refuseMethod(): Promise<never> {
  throw new AgentPayError('method_not_priced', 'This path is for sale under other methods.');
}
