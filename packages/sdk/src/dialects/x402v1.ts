import { parseShape, x402v1 } from '@agentpay/protocol';
import { refuse, type Demand, type ReadOffer } from '../Offer.js';
import type { ClientSettings } from '../options.js';
import { endOf, signTransfer } from '../signTransfer.js';
import { readTerms, transferOf } from '../Terms.js';

/** Offers in a 402 body with `x402Version: 1`. */
export function x402v1Offers({ request, body }: Demand, settings: ClientSettings): ReadOffer[] {
  const { x402Version, accepts } = (body ?? {}) as { x402Version?: unknown; accepts?: unknown };
  if (x402Version !== 1 || !Array.isArray(accepts)) return [];

  return accepts.map((accepted: unknown): ReadOffer => () => {
    const entry = parseShape(x402v1.paymentRequirementsSchema, accepted, 'x402 v1 offer');
    const { scheme, network } = entry;
    if (scheme !== 'exact') throw refuse('unknown_scheme', `Scheme ${scheme} is not known.`);
    const terms = readTerms(settings, request.url, { ...entry, amount: entry.maxAmountRequired });
    return {
      dialect: 'x402v1',
      ...transferOf(terms),
      async prove() {
        const payload = await signTransfer(settings, terms, { lifetime: entry.maxTimeoutSeconds });
        const value = x402v1.encodePaymentPayload({ x402Version: 1, scheme, network, payload });
        return { header: x402v1.X_PAYMENT, value, validUntil: endOf(payload) };
      },
    };
  });
}
