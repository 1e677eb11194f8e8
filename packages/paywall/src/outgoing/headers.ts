import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import {
  mpp,
  SIGN_IN_HEADER,
  PAYMENT_RECEIPT_JWS,
  x402v1,
  x402v2,
  X_PAYMENT_TOKEN,
} from '@agentpay/protocol';
import type { RequestContext } from '../paid/RequestContext.js';
import { X_PAYMENT_TOKEN_ID, X_PAYMENT_TOKEN_STATUS } from '../rails/token/token.js';

const REQUEST_HEADERS = [
  x402v2.PAYMENT_SIGNATURE,
  x402v1.X_PAYMENT,
  mpp.AUTHORIZATION,
  X_PAYMENT_TOKEN,
  SIGN_IN_HEADER,
];
const RESPONSE_HEADERS = [
  mpp.WWW_AUTHENTICATE,
  x402v2.PAYMENT_REQUIRED,
  x402v2.PAYMENT_RESPONSE,
  x402v1.X_PAYMENT_RESPONSE,
  mpp.PAYMENT_RECEIPT,
  PAYMENT_RECEIPT_JWS,
  X_PAYMENT_TOKEN_ID,
  X_PAYMENT_TOKEN_STATUS,
  'X-Payment-Replayed',
  'Retry-After',
];

/** A comma-separated list, as items and as text. */
const listOf = (...items: string[]) => ({ items, text: items.join(', ') });
type List = ReturnType<typeof listOf>;

/** Request headers in which a proof may come. */
export const PROOF_HEADERS: readonly string[] = [...REQUEST_HEADERS, mpp.PAYMENT_AUTHORIZATION];

/** What answers depend on, and offers among them. */
const varyBy = (proofs: readonly string[]) => ({
  answer: listOf(...proofs),
  offer: listOf(...proofs, mpp.ACCEPT_PAYMENT),
});
const VARY = varyBy(REQUEST_HEADERS);
const VARY_OWN_HEADER = varyBy(PROOF_HEADERS);
const VARY_PAGE = listOf('Accept');
const EXPOSED = listOf(...RESPONSE_HEADERS);

function itemsOf(list: OutgoingHttpHeader): string[] {
  return String(list)
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** A header's list with what is missing in it. */
function extended(present: OutgoingHttpHeader | undefined, additions: List): string {
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

/** Headers that tell caches and browsers what a priced route's answers depend on and what they may read. */
export function pricedHeaders(
  { res, req, settings }: RequestContext,
  { negotiated, page }: OfferKind = {},
): OutgoingHttpHeaders {
  const lists = settings.authorizationHeader === mpp.AUTHORIZATION ? VARY : VARY_OWN_HEADER;
  const vary = extended(res.getHeader('Vary'), negotiated ? lists.offer : lists.answer);
  const headers: OutgoingHttpHeaders = { Vary: page ? extended(vary, VARY_PAGE) : vary };
  // A page of another origin asks.
  const exposes = req.headers.origin !== undefined;
  if (exposes)
    headers['Access-Control-Expose-Headers'] = extended(
      res.getHeader('Access-Control-Expose-Headers'),
      EXPOSED,
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
export function challengesBeside(res: ServerResponse, own: string[]): string | string[] {
  const present = res.getHeader(mpp.WWW_AUTHENTICATE);
  // Node checks a list by joining it.
  if (present === undefined) return own.length === 1 ? (own[0] as string) : own;
  return [...(Array.isArray(present) ? present : [String(present)]), ...own];
}
