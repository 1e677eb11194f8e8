import type { Amount } from '@agentpay/primitives';
import type { Quote } from '../offer/Quote.js';
import type { Pricing } from '../seller/Pricing.js';

/** The first of these prices that was offered for the request; without a pin, as far as this process remembers. */
export function pinnedIn(
  pricing: Pricing,
  scope: string,
  { prices, pin }: { prices: readonly Amount[]; pin?: string },
): Quote | undefined {
  for (const price of prices) {
    const quote = pricing.pinned(scope, price, pin);
    if (quote) return quote;
  }
  return undefined;
}
