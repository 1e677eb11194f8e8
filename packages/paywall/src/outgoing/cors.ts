import type { OutgoingHttpHeaders } from 'node:http';
import type { RequestContext } from '../paid/RequestContext.js';
import { ANY_METHOD } from '../seller/routes.js';

const ALLOW_ORIGIN = 'Access-Control-Allow-Origin';
const MAX_AGE_SECONDS = 7200;
const TOKENS = /^[\w!#$%&'*+.^`|~, -]+$/;

/** Lets a page of an allowed origin read whatever the response will be. What somebody in front has decided stands. */
export function allowOrigin({ config: { cors }, req, res }: RequestContext): void {
  if (!cors || res.hasHeader(ALLOW_ORIGIN)) return;
  const { origin } = req.headers;
  if (cors !== true) res.appendHeader('Vary', 'Origin');
  if (origin === undefined) return;
  if (cors === true) res.setHeader(ALLOW_ORIGIN, '*');
  else if (cors.origins.includes(origin)) res.setHeader(ALLOW_ORIGIN, origin);
}

/**
 * OPTIONS on what is for sale, preflights included. Handlers do not see it: those that look at no method would give for nothing what
 * they sell.
 */
export function respondToOptions({ req, res, config, allow = ANY_METHOD }: RequestContext): void {
  const head: OutgoingHttpHeaders = { Allow: allow.join(', ') };
  const isPreflight = req.headers['access-control-request-method'] !== undefined;
  if (config.cors && isPreflight && res.hasHeader(ALLOW_ORIGIN)) {
    const asked = req.headers['access-control-request-headers'];
    const others = typeof asked === 'string' && TOKENS.test(asked) ? [asked] : [];
    head['Access-Control-Allow-Methods'] = head['Allow'];
    head['Access-Control-Allow-Headers'] = [...config.headers.allowed, ...others].join(', ');
    head['Access-Control-Max-Age'] = MAX_AGE_SECONDS;
  }
  res.writeHead(204, head);
  res.end();
}
