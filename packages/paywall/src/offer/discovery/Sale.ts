import type { x402v2 } from '@agentpay/protocol';
import type { PaywallParts } from '../../PaywallState.js';
import type { ListedOffer, PaymentRail } from '../../rails/PaymentRail.js';
import type { Pricing } from '../../seller/Pricing.js';
import { readEntry } from '../../seller/routeEntry.js';
import type { Quote } from '../Quote.js';

/** One operation that is for sale. */
export interface Sale {
  /** In capitals. */
  readonly method: string;
  /** With its parameters in braces: "/items/{id}". */
  readonly path: string;
  readonly pricing: Pricing;
  readonly offers: SaleOffers;
}

/** A paywall and the dialects in which it is paid. */
export interface RunningPaywall extends PaywallParts {
  readonly rails: readonly PaymentRail[];
}

/** What the 402 of a sale offers; amounts are null where they are worked out for each request. */
export interface SaleOffers {
  readonly x402: readonly Worked<x402v2.PaymentRequirements>[];
  /** What other dialects list. */
  readonly others: readonly Worked<ListedOffer>[];
  /** Names of the protocols in which it can be paid. */
  readonly protocols: readonly string[];
}

/** An offer whose amount may be known only with a request. */
type Worked<Offer> = Omit<Offer, 'amount'> & { readonly amount: string | null };

/** A route of the application. */
export interface Route {
  /** Undefined: every method that no other route of the path names. */
  readonly method: string | undefined;
  readonly path: string;
  readonly pricing: Pricing | 'free';
}

/** The route of a pattern of the route table: "METHOD /path" or "/path". */
export function routeOf(pattern: string, pricing: Pricing | 'free'): Route {
  const { method, path } = readEntry(pattern);
  // A parameter is a whole segment there, whatever it is called.
  const segments = path
    .replace(/^\*$/, '/*')
    .split('/')
    .map((segment) => segment.replace(/(?<=^:.*)[^\w:]/g, '_'));
  return { method: method === 'HEAD' ? 'GET' : method, path: segments.join('/'), pricing };
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The operations that routes sell. HEAD costs what GET costs and is not listed. */
export function salesOf(running: RunningPaywall, routes: readonly Route[]): Sale[] {
  return routes.flatMap(({ method, path, pricing }) => {
    if (pricing === 'free') return [];
    const named = routes
      .filter((other) => shapeOf(other.path) === shapeOf(path))
      .flatMap((other) => other.method ?? []);
    const methods =
      method === undefined ? METHODS.filter((candidate) => !named.includes(candidate)) : [method];
    const offers = offersOf(running, pricing);
    return methods
      .filter((candidate) => METHODS.includes(candidate))
      .map((found) => ({ method: found, path: templateOf(path), pricing, offers }));
  });
}

/** The same for paths that the same requests fit, whatever their parameters are called. */
function shapeOf(path: string): string {
  return path.toLowerCase().replace(/:\w+/g, ':').replace(/\*\w*/g, '*');
}

/** The route table's patterns, and Express's, as OpenAPI writes them: ":id" is "{id}", "*" and "*rest" are "{rest}". */
function templateOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace(/\*(\w*)/g, (_, name: string) => `{${name || 'rest'}}`);
}

/** The quote of a price that is the same for every request. */
export function quoteOf({ fixed, terms, at }: Pricing): Quote | undefined {
  return fixed ?? (typeof terms.amount === 'bigint' ? at(terms.amount) : undefined);
}

/** In micro-dollars; every token has a unit for it. */
const ONE_DOLLAR = 1_000_000n;

/** The offers of the very quote that the 402 is rendered from. */
function offersOf(running: RunningPaywall, pricing: Pricing): SaleOffers {
  // Only what does not depend on the amount is used of a quote that nobody has asked for.
  const quote = quoteOf(pricing) ?? pricing.at(ONE_DOLLAR);
  const amountOf = (amount: string) => (quoteOf(pricing) ? amount : null);
  const sold = running.rails.filter((rail) => rail.sells(running, quote));
  return {
    x402: quote.offers.map(({ v2 }) => ({ ...v2, amount: amountOf(v2.amount) })),
    others: sold
      .flatMap((rail) => rail.listed?.(running, quote) ?? [])
      .map((offer) => ({ ...offer, amount: amountOf(offer.amount) })),
    protocols: [...new Set(sold.map(({ protocol }) => protocol))],
  };
}
