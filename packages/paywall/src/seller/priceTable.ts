import { AgentPayError } from '@agentpay/primitives';
import type { RunningPaywall } from '../offer/discovery/index.js';
import { ambiguousPath } from '../paid/asked.js';
import { targetOf, type Asking } from '../paid/Request.js';
import type { Charged } from '../paid/serve.js';
import { createPricing, type Pricing } from './Pricing.js';
import { compileRoutes } from './routes.js';

/** What a request costs. */
export type Found = 'free' | 'unpriced' | Charged;

/** The option `routes`, priced. */
export type PricedRoutes = readonly (readonly [pattern: string, pricing: Pricing | 'free'])[];

/** Tells what a request costs by the options `price` and `routes`. */
export function priceTable(
  running: RunningPaywall,
  priced: PricedRoutes | undefined,
): (req: Asking) => Found {
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

/** Connect keeps the whole target, as Express does, which adds its application. */
function isByConnect(req: Asking): boolean {
  return req.originalUrl !== undefined && req.app === undefined;
}

const METHOD_NOT_PRICED = new AgentPayError(
  'method_not_priced',
  'This path is for sale under other methods.',
);
const PATH_AMBIGUOUS = ambiguousPath();
