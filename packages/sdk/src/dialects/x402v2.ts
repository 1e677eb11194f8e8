import { fromBase64, parseShape, toBase64, x402v2 } from '@agentpay/protocol';
import { refuse, type Demand, type ReadOffer } from '../Offer.js';
import type { ClientSettings } from '../options.js';
import { endOf, signTransfer } from '../signTransfer.js';
import { readTerms, transferOf } from '../Terms.js';

/** Proofs above this length may not fit beside other headers: extensions, which may be left out, then are. */
const MAX_PROOF = 8 * 1024;

/** Offers in the `PAYMENT-REQUIRED` header. What the seller wrote is echoed as it came, members unknown here included. */
export function x402v2Offers({ request, headers }: Demand, settings: ClientSettings): ReadOffer[] {
  const header = headers.get(x402v2.PAYMENT_REQUIRED);
  if (header === null) return [];
  const written = fromBase64(header) as {
    x402Version?: unknown;
    accepts?: unknown;
    resource?: unknown;
    extensions?: unknown;
  } | null;
  if (written?.x402Version !== 2 || !Array.isArray(written.accepts))
    throw refuse('malformed', 'The PAYMENT-REQUIRED header is malformed.');
  const { accepts, resource, extensions } = written;

  return accepts.map((accepted: unknown): ReadOffer => () => {
    const entry = parseShape(x402v2.paymentRequirementsSchema, accepted, 'x402 v2 offer');
    if (entry.scheme !== 'exact') throw refuse('unknown_scheme', `Scheme ${entry.scheme} is not known.`);
    const terms = readTerms(settings, request.url, entry);
    return {
      dialect: 'x402v2',
      ...transferOf(terms),
      async prove() {
        const payload = await signTransfer(settings, terms, { lifetime: entry.maxTimeoutSeconds });
        const proof = { x402Version: 2, payload, ...(resource != null && { resource }), accepted };
        const whole = toBase64(extensions == null ? proof : { ...proof, extensions });
        return {
          header: x402v2.PAYMENT_SIGNATURE,
          value: whole.length <= MAX_PROOF ? whole : toBase64(proof),
          validUntil: endOf(payload),
        };
      },
    };
  });
}
