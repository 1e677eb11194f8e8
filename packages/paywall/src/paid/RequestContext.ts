import type { ServerResponse } from 'node:http';
import { newId, type AgentPayError } from '@agentpay/primitives';
import type { Gate } from './Gate.js';
import type { Pricing } from '../seller/Pricing.js';
import type { Quote } from '../offer/Quote.js';
import { targetOf, type Next, type Request } from './Request.js';
import type { RequestBody } from './RequestBody.js';
import type { PaywallParts } from '../PaywallState.js';

/** One request to a priced route, before its price is known. */
export interface RequestContext extends PaywallParts {
  readonly pricing: Pricing;
  readonly req: Request;
  readonly res: ServerResponse;
  readonly next: Next;
  /** Methods that the path is for sale under, if the request has another. */
  readonly allow: readonly string[] | undefined;
  /** Why the request is not served at any price. */
  readonly refusal: AgentPayError | undefined;
  /** The request body, read at most once. */
  body(): Promise<RequestBody>;
  /** Stands between the handler and the client once the handler runs. */
  gate: Gate | undefined;
  /** Set once it is known. */
  quote: Quote | undefined;
  /** Set once it is asked for. */
  requestId: string | undefined;
}

/** A context with its price. */
export interface PricedContext extends RequestContext {
  quote: Quote;
}

const HOST = /^[A-Za-z0-9._-]{1,253}(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?$/;
/** Longer URLs lose their query, so that a challenge stays below the header limits of common clients. */
const MAX_URL = 2048;

/** What URLs of the seller begin with. Without a configured base it repeats what the client itself sent as Host. */
export function baseUrlOf({ req, config }: Pick<PricedContext, 'req' | 'config'>): string {
  return (
    config.baseUrl ??
    `${schemeOf(req)}://${HOST.test(req.headers.host ?? '') ? req.headers.host : 'localhost'}`
  );
}

/** The URL that x402 offers name. */
export function resourceUrl(context: Pick<PricedContext, 'req' | 'config'>): string {
  return urlOf(baseUrlOf(context), targetOf(context.req));
}

export function urlOf(base: string, target: string): string {
  if (base.length + target.length <= MAX_URL) return base + target;
  const path = target.split('?', 1)[0] as string;
  return base.length + path.length <= MAX_URL ? base + path : base;
}

function schemeOf(req: Request): 'http' | 'https' {
  // Express works out `protocol` with its trust proxy setting, each time it is asked.
  const { protocol } = req;
  if (protocol === 'https' || protocol === 'http') return protocol;
  return 'encrypted' in req.socket ? 'https' : 'http';
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's request id if it is well-formed, else a new one. */
export function requestIdOf(context: RequestContext): string {
  const given = context.req.headers['x-request-id'];
  context.requestId ??=
    typeof given === 'string' && REQUEST_ID.test(given) ? given : newId('request', context.config);
  return context.requestId;
}

/** Whether the client has hung up. */
export function clientLeft({ req, res }: Pick<PricedContext, 'req' | 'res'>): boolean {
  // A handler that passes the body on with undici leaves the request without its socket.
  const socket = req.socket as typeof req.socket | null;
  return res.destroyed || socket?.destroyed === true;
}

/** Pattern of the route in the table of prices, else of the Express route, else "*". */
export function routeOf({ req, pricing }: RequestContext): string {
  if (pricing.route !== undefined) return pricing.route;
  const path = req.route?.path;
  return typeof path === 'string' ? `${req.baseUrl ?? ''}${path}` : '*';
}
