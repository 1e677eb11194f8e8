import type { Quote } from '../offer/Quote.js';
import type { PaywallParts } from '../PaywallState.js';

/** Works something out once for each quote. */
export function perQuote<T>(
  work: (quote: Quote, paywall: PaywallParts) => T,
): (quote: Quote, paywall: PaywallParts) => T {
  const known = new WeakMap<Quote, { readonly result: T }>();
  return (quote, paywall) => {
    const found = known.get(quote) ?? { result: work(quote, paywall) };
    known.set(quote, found);
    return found.result;
  };
}
