import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { mpp } from '@agentpay/protocol';
import type { RequestContext } from '../paid/RequestContext.js';
import { headerList, type HeaderList } from '../rails/RailHeaders.js';

const VARY_PAGE = headerList(['Accept']);

function itemsOf(list: OutgoingHttpHeader): string[] {
  return String(list)
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** A header's list with what is missing in it. */
function extended(present: OutgoingHttpHeader | undefined, additions: HeaderList): string {
  if (present === undefined) return additions.text;
  const items = itemsOf(present);
  const lower = new Set(items.map((item) => item.toLowerCase()));
  if (lower.has('*')) return items.join(', ');
  return [...items, ...additions.items.filter((item) => !lower.has(item.toLowerCase()))].join(', ');
}

/** What an offer depends on besides the proof that is missing. */
export interface OfferKind {
  /** It holds what the client would pay of several things. */
  readonly negotiated?: boolean;
  /** It is a page because the client prefers one. */
  readonly page?: boolean;
}

/** Headers that tell caches what responses of a priced route depend on, and browsers what they may read. */
export function pricedHeaders(
  { res, req, config }: RequestContext,
  { negotiated, page }: OfferKind = {},
): OutgoingHttpHeaders {
  const { vary: always, varyOffer, exposed } = config.headers;
  const vary = extended(res.getHeader('Vary'), negotiated ? varyOffer : always);
  const headers: OutgoingHttpHeaders = { Vary: page ? extended(vary, VARY_PAGE) : vary };
  // A page of another origin asks.
  const exposes = req.headers.origin !== undefined;
  if (exposes)
    headers['Access-Control-Expose-Headers'] = extended(
      res.getHeader('Access-Control-Expose-Headers'),
      exposed,
    );
  return headers;
}

/** Keeps a paid response out of shared caches. */
export function markPrivate(res: ServerResponse): void {
  const directives = itemsOf(res.getHeader('Cache-Control') ?? '');
  if (directives.some((item) => /^(?:private|no-store)\b/i.test(item))) return;
  res.setHeader(
    'Cache-Control',
    ['private', ...directives.filter((item) => !/^(?:public|s-maxage)\b/i.test(item))].join(', '),
  );
}

/** Our challenges beside those of other authentication schemes. */
export function challengesBeside(res: ServerResponse, own: string | string[]): string | string[] {
  const present = res.getHeader(mpp.WWW_AUTHENTICATE);
  // Node checks a list by joining it.
  if (present === undefined) return own.length === 1 ? (own[0] as string) : own;
  return [...(Array.isArray(present) ? present : [String(present)]), ...[own].flat()];
}
