import { hash } from 'node:crypto';
import { AgentPayError, memoize } from '@agentpay/primitives';
import { jcs, mpp } from '@agentpay/protocol';
import type { RequestContext } from './RequestContext.js';
import { targetOf, type Request } from './Request.js';
import type { RequestBody } from './RequestBody.js';
import { variantOf } from '../offer/variant.js';

/**
 * What ties a challenge to one request: method, path and query in `s`; the body as `digest`, or in `b` if only its parsed form is left;
 * in `v` the headers that its price depended on.
 */
export interface RequestScope {
  readonly s: string;
  readonly b?: string;
  readonly digest?: string;
  readonly v?: string | undefined;
}

export function scopeOf(req: Request, body: RequestBody): RequestScope {
  return { s: digestOfLine(lineOf(req)), ...bodyScope(body) };
}

function bodyScope(body: RequestBody): Omit<RequestScope, 's'> {
  if (body.kind === 'used') throw new TypeError('The request body was read before the paywall could see it.');
  if (body.kind === 'too_large')
    throw new AgentPayError('payload_too_large', 'The request body is too long.');
  if (body.kind === 'raw') return { digest: mpp.bodyDigest(body.bytes) };
  return body.kind === 'parsed' ? { b: digestOf(canonical(body.value)) } : {};
}

// Parsers let through what has no canonical form, such as numbers beyond the range of a double.
function canonical(value: unknown): string {
  try {
    return jcs(value ?? null);
  } catch (cause) {
    throw new AgentPayError('invalid_json', 'The request body has no canonical form.', { cause });
  }
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** Method, path and query. */
function lineOf(req: Request): string {
  return `${req.method} ${targetOf(req)}`;
}

export const digestOfLine = memoize(1_000, digestOf);

/** What a proof buys, as one text: method, path, query and body. */
export function scopeText(req: Request, body: RequestBody): string {
  const { s, b = '', digest = '' } = scopeOf(req, body);
  return [s, b, digest].join('|');
}

/**
 * What a price that was worked out counts for, as one text: the request, and the headers that the price depended on. Of a body that is
 * too long to be bound no price function has seen anything.
 */
export function pinScope(context: RequestContext, body: RequestBody): string {
  const { req } = context;
  const isUnseen = body.kind === 'too_large' || body.kind === 'used';
  const request = isUnseen
    ? `${digestOfLine(lineOf(req))}|${body.kind}|${req.headers['content-length'] ?? ''}`
    : scopeText(req, body);
  return `${request}|${variantOf(context)}`;
}
