import { OutboundError, type IncomingResponse } from '@agentpay/primitives';
import { readTarget } from './target.js';
import type { WholeRequest } from './wholeRequest.js';

/** What another origin may see of the headers; everything else might open something there. */
const HARMLESS = new Set(['accept', 'accept-language', 'user-agent']);

/**
 * The request that a redirect asks for; undefined when the response is none. To another origin go neither the body nor any header
 * that could be a credential, and never from https to http.
 * @throws OutboundError `redirect_refused`, `url_refused`
 */
export function redirected(
  from: URL,
  request: WholeRequest,
  { status, headers }: Pick<IncomingResponse, 'status' | 'headers'>,
): { url: URL; request: WholeRequest } | undefined {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  if (!URL.canParse(location, from.href)) throw refuse('The server redirects to nowhere.');
  const url = readTarget(URL.canParse(location) ? location : new URL(location, from).href);
  if (from.protocol === 'https:' && url.protocol === 'http:')
    throw refuse('The server redirects from https to http.');
  const crossed = url.origin !== from.origin;
  const repeated = request.method === 'GET' || request.method === 'HEAD' || status >= 307;
  if (repeated && crossed && request.body !== undefined)
    throw refuse('The server redirects the body to another origin.');
  const kept = crossed
    ? Object.fromEntries(Object.entries(request.headers).filter(([name]) => HARMLESS.has(name.toLowerCase())))
    : request.headers;
  if (repeated) return { url, request: { ...request, headers: kept } };
  const { body: _body, ...without } = request;
  const bodiless = Object.entries(kept).filter(([name]) => !/^content-/i.test(name));
  return { url, request: { ...without, method: 'GET', headers: Object.fromEntries(bodiless) } };
}

function refuse(message: string): OutboundError {
  return new OutboundError('redirect_refused', message, true);
}
