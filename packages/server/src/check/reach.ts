import { isIP } from 'node:net';
import { reachOf } from '@agentpay/http';
import { findNetwork, formatDecimal, networks, parsePrice } from '@agentpay/primitives';
import { x402v2 } from '@agentpay/protocol';
import type { Check, CheckedSeller, CheckVerdict } from './checks.js';
import type { OfferedTerms } from './Reading.js';

/** What the official x402 client pays at most for a request unless it is told otherwise, in tokens that it knows. */
const STOCK_CAP = parsePrice('$1');

const pass = (reason: string): CheckVerdict => ({ verdict: 'pass', reason });
const warn = (reason: string): CheckVerdict => ({ verdict: 'warn', reason });

/** Whether a buyer with a client as it is installed would pay. Nothing is wrong with a seller whom it refuses, but few buyers are left. */
export const stockClient: Check = {
  id: 'stock_client',
  run({ readings }) {
    const offered = [readings.x402v2, readings.x402v1].flatMap((reading) =>
      reading.state === 'offered' ? reading.terms : [],
    );
    if (offered.length === 0) return { verdict: 'skip', reason: 'x402 is not offered.' };
    const objections = offered.map(objectionOf);
    if (objections.includes(undefined)) return pass('A client of x402 as it is installed pays this.');
    return warn(`A client of x402 as it is installed refuses: ${[...new Set(objections)].join('; ')}.`);
  },
};

function objectionOf({ network: id, asset, amount }: OfferedTerms): string | undefined {
  const network = findNetwork(id);
  if (!network) return `it does not know the network ${id}`;
  if (network.usdc.address.toLowerCase() !== asset)
    return `it does not know the token ${asset} on ${network.title}`;
  if (!/^\d{1,40}$/.test(amount) || BigInt(amount) <= STOCK_CAP) return undefined;
  const price = formatDecimal(BigInt(amount), network.usdc.decimals);
  return `$${price} is more than the $${formatDecimal(STOCK_CAP)} that it pays unless its buyer raises the limit`;
}

/** Whether an indexer of paid resources would list this one. */
export const indexer: Check = {
  id: 'indexer',
  run(seller) {
    const missing = missingFor(seller);
    if (missing.length === 0) return pass('An indexer has what it needs to list this.');
    return warn(`An indexer would skip it: ${missing.join('; ')}.`);
  },
};

function missingFor({ url, first, readings }: CheckedSeller): string[] {
  const header = first.headers.get(x402v2.PAYMENT_REQUIRED);
  if (header === null || readings.x402v2.state !== 'offered') return ['it is not offered in x402 v2'];
  const { resource, extensions, accepts } = x402v2.decodePaymentRequired(header);
  const onMain = accepts.some(({ network }) => networks.some(({ id, mainnet }) => mainnet && id === network));
  return [
    !isPublic(url) && 'its address leads to a private network',
    url.protocol !== 'https:' && 'its address has no TLS',
    !onMain && 'it takes test money only',
    !resource.description && 'the offer has no description',
    !extensions?.['bazaar'] && 'the offer has no bazaar extension, which says how it is called',
  ].filter((reason) => reason !== false);
}

function isPublic({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host)) return reachOf(host) === 'public';
  return host !== 'localhost' && host.includes('.') && !/\.(?:local|localhost|internal)$/.test(host);
}
