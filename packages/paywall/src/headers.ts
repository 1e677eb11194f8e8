import type { ServerResponse } from 'node:http';
import { mpp, x402v1, x402v2, X_PAYMENT_TOKEN } from '@agentpay/protocol';
import { X_PAYMENT_TOKEN_ID, X_PAYMENT_TOKEN_STATUS } from './rails/token.js';

const REQUEST_HEADERS = [x402v2.PAYMENT_SIGNATURE, x402v1.X_PAYMENT, mpp.AUTHORIZATION, X_PAYMENT_TOKEN];
const RESPONSE_HEADERS = [
  mpp.WWW_AUTHENTICATE,
  x402v2.PAYMENT_REQUIRED,
  x402v2.PAYMENT_RESPONSE,
  x402v1.X_PAYMENT_RESPONSE,
  mpp.PAYMENT_RECEIPT,
  X_PAYMENT_TOKEN_ID,
  X_PAYMENT_TOKEN_STATUS,
  'X-Payment-Replayed',
  'Retry-After',
];

/** Adds to a header that is a comma-separated list, without repeating what is there. */
export function appendToList(res: ServerResponse, name: string, additions: readonly string[]): void {
  const present = String(res.getHeader(name) ?? '').split(',').map((item) => item.trim()).filter(Boolean);
  const lower = new Set(present.map((item) => item.toLowerCase()));
  if (lower.has('*')) return;
  res.setHeader(name, [...present, ...additions.filter((item) => !lower.has(item.toLowerCase()))].join(', '));
}

/** Tells caches and browsers that a priced route's answers depend on the proof. `cors`: a page of another origin asks. */
export function markPriced(res: ServerResponse, { authorizationHeader, cors }: { authorizationHeader: string; cors: boolean }): void {
  appendToList(res, 'Vary', authorizationHeader === mpp.AUTHORIZATION ? REQUEST_HEADERS : [...REQUEST_HEADERS, authorizationHeader]);
  if (cors) appendToList(res, 'Access-Control-Expose-Headers', RESPONSE_HEADERS);
}

/** Keeps a paid answer out of shared caches. */
export function markPrivate(res: ServerResponse): void {
  const directives = String(res.getHeader('Cache-Control') ?? '').split(',').map((item) => item.trim()).filter(Boolean);
  if (directives.some((item) => /^(?:private|no-store)\b/i.test(item))) return;
  res.setHeader('Cache-Control', ['private', ...directives.filter((item) => !/^(?:public|s-maxage)\b/i.test(item))].join(', '));
}

/** Adds a challenge beside those of other authentication schemes. */
export function addChallenge(res: ServerResponse, challenge: string): void {
  const present = res.getHeader(mpp.WWW_AUTHENTICATE);
  const list = present === undefined ? [] : Array.isArray(present) ? present : [String(present)];
  res.setHeader(mpp.WWW_AUTHENTICATE, [...list, challenge]);
}
