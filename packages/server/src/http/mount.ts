import { decodeRequest, type EventStream, type Family } from '@agentpay/api';
import { requestIdOf } from '@agentpay/http';
import { AgentPayError } from '@agentpay/primitives';
import { Router, type Express, type NextFunction, type Request, type Response } from 'express';
import { admit, type AdmitOptions } from './admit.js';
import { readBody } from './body.js';
import { cookiesOf } from './cookies.js';
import { rememberFamily } from './errors.js';
import type { EndpointRoute } from './implement.js';
import { perform, type PerformOptions } from './perform.js';
import { noted, type KeepingOptions } from './noted.js';
import { respond } from './respond.js';
import { streamEvents } from './streamEvents.js';

export interface MountOptions extends PerformOptions, AdmitOptions, KeepingOptions {
  /** Whether cookies are for TLS alone. */
  readonly secureCookies: () => boolean;
}

/** Serves every route, and answers the other methods of its path with 405. */
export function mount(app: Express, routes: readonly EndpointRoute[], options: MountOptions): void {
  const paths = new Map<string, EndpointRoute[]>();
  for (const each of [...routes].sort(literalFirst)) {
    const path = expressPath(each.endpoint.path);
    paths.set(path, [...(paths.get(path) ?? []), each]);
  }
  const routers = new Map<string, Router>();
  for (const [path, offered] of paths) {
    const router = at(routers, placeOf(path));
    for (const each of offered) {
      router[verbs[each.endpoint.method]](path, (request: Request, response: Response) =>
        options.traced.endpoint(each.endpoint, () => serve(each, options, request, response)),
      );
    }
    const methods = offered.map(({ endpoint }) => endpoint.method);
    router.all(path, refuseMethod((offered[0] as EndpointRoute).family, methods));
  }
  app.use(toRouter(routers));
}

/** Two hundred paths are not tried one after the other: those of one place, a few, have a router of their own. */
function toRouter(routers: ReadonlyMap<string, Router>) {
  return function findRoute(request: Request, response: Response, next: NextFunction): void {
    const { path } = request;
    const beside = routers.get(placeOf(path, true));
    const further = beside
      ? (error?: unknown) => (error ? next(error) : beside(request, response, next))
      : next;
    const exact = routers.get(placeOf(path));
    if (exact) exact(request, response, further);
    else further();
  };
}

function at(routers: Map<string, Router>, place: string): Router {
  const known = routers.get(place) ?? Router();
  routers.set(place, known);
  return known;
}

/**
 * How many segments a path has and which are the first two, as Express takes them: in any case, with or without a slash at the end. No path
 * begins with a parameter; where the second segment is one, or is taken for one, it counts as any.
 */
function placeOf(path: string, anySecond = false): string {
  const segments = path.toLowerCase().replace(/\/$/, '').split('/');
  const [, first = '', second = ''] = segments;
  return `${segments.length}/${first}/${anySecond || second.startsWith(':') ? ':' : second}`;
}

/** Sorts so that `/agents/services` goes before `/agents/{agent_id}`, whoever defined them in which order. */
function literalFirst(a: EndpointRoute, b: EndpointRoute): number {
  const [left, right] = [shapeOf(a.endpoint.path), shapeOf(b.endpoint.path)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** One digit for each segment: 0 for a literal, 1 for a parameter with an ending, 2 for a parameter. */
function shapeOf(path: string): string {
  return path.replace(/\/(\{\w+\})?([^/]*)/g, (_, param: string, rest: string) =>
    !param ? '0' : rest ? '1' : '2',
  );
}

const verbs = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

async function serve(
  route: EndpointRoute,
  options: MountOptions,
  request: Request,
  response: Response,
): Promise<void> {
  const { family, endpoint } = route;
  response.locals['endpoint'] = endpoint.id;
  response.locals['endpointKind'] = endpoint.kind;
  rememberFamily(response, family);
  const principal = await admit(endpoint, options, request, response);
  const { params } = request;
  let body: unknown = {};
  const came = { principal, ...nameOf(request, response), params, said: () => ({ body }) };
  const wire = await noted(route, came, options, async () => {
    if (endpoint.method !== 'GET') body = await readBody(request, response);
    const query = endpoint.kind === 'stream' ? lastEventOf(request) : request.query;
    const decoded = decodeRequest(endpoint, { params, query, body });
    const cookies = cookiesOf(request, response, options.secureCookies());
    const asked = { decoded, principal, idempotencyKey: request.get('idempotency-key'), cookies };
    return perform(route, asked, options, came.requestId);
  });
  if (endpoint.kind !== 'stream') return respond(endpoint, wire, request, response);
  response.setHeader('Cache-Control', 'no-store');
  const assertAllowed = () => options.authenticate(endpoint.auth, request);
  return streamEvents(wire['events'] as EventStream, request, response, { ...options, assertAllowed });
}

/** What a request is called, and whether the caller named it so. */
export function nameOf(request: Request, response: Response): { requestId: string; named: boolean } {
  const requestId = requestIdOf(response);
  return { requestId, named: request.get('x-request-id') === requestId };
}

/** The query of a stream; a browser that connects again names the last event in a header. */
function lastEventOf(request: Request): object {
  const after = request.get('last-event-id');
  return { ...request.query, ...(after && { after }) };
}

/** Answers the other methods of a path with 405, and OPTIONS with those that it has. */
export function refuseMethod(family: Family, methods: readonly string[]) {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return function methodNotAllowed(request: Request, response: Response): void {
    rememberFamily(response, family);
    response.setHeader('Allow', allow);
    if (request.method !== 'OPTIONS')
      throw new AgentPayError('method_not_allowed', `${request.method} is not offered here.`);
    response.status(204).end();
  };
}
