import { findNetwork, formatMoney } from '@agentpay/primitives';
import type { OpenApiDocument } from './openapi.js';
import { quoteOf, type Sale } from './Sale.js';

/** `/.well-known/x402`: every URL that can be asked as it stands, and every operation with its x402 offers. */
export function x402Listing(sales: readonly Sale[], base: string) {
  const items = sales.map((sale) => {
    const { description, mimeType } = sale.pricing.terms;
    return {
      type: 'http',
      method: sale.method,
      resource: base + sale.path,
      ...(description && { description }),
      ...(mimeType !== undefined && { mimeType }),
      accepts: sale.offers.x402,
    };
  });
  const resources = [...new Set(items.map(({ resource }) => resource).filter((url) => !url.includes('{')))];
  return { version: 1, x402Version: 2, resources, items };
}

/** `/llms.txt`: the same for language models (llmstxt.org). */
export function llmsText(
  sales: readonly Sale[],
  { info, base }: { info: OpenApiDocument['info']; base: string },
): string {
  const lines = sales.map((sale) => {
    const { description } = sale.pricing.terms;
    return `- \`${sale.method} ${base}${sale.path}\`: ${priceOf(sale)}${description ? `. ${description}` : ''}`;
  });
  return `# ${info.title}

${info.description ? `> ${info.description}\n\n` : ''}What is listed here is paid for per request over HTTP 402. Ask without payment:
the 402 holds the offers for x402 v2 in the header PAYMENT-REQUIRED, for x402 v1 in the body, and for MPP in WWW-Authenticate.
Send the same request again with the proof.

## Paid operations

${lines.join('\n')}

## More

- [OpenAPI](${base}/openapi.json)
- [x402 offers](${base}/.well-known/x402)
`;
}

function priceOf(sale: Sale): string {
  const quote = quoteOf(sale.pricing);
  const price =
    quote && `${quote.terms.scheme === 'upto' ? 'up to ' : ''}$${formatMoney(quote.terms.amount)}`;
  const offers = sale.offers.x402.map(({ asset, network: id }) => ({
    asset,
    id,
    network: findNetwork(id),
  }));
  const places = [...new Set(offers.map(({ id, network }) => network?.name ?? id))].join(' or ');
  const tokens = offers.every(({ asset, network }) => asset === network?.usdc.address)
    ? 'in USDC'
    : 'in the tokens of its offers,';
  return `${price ?? 'a price that depends on the request,'} ${tokens} on ${places}`;
}
