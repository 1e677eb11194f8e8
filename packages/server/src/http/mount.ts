import { decodeRequest, errorsOf, type Endpoint, type Family } from '@agentpay/api';
import { requestIdOf, type Logger } from '@agentpay/http';
import { AgentPayError, isAgentPayError, type Clock } from '@agentpay/primitives';
import type { Express, Request, Response } from 'express';
import type { Authenticate } from '../auth/authenticate.js';
import { readBody } from './body.js';
import { rememberFamily } from './errors.js';
import type { Call, Route } from './implement.js';
import type { Limit } from './rateLimit.js';
import { carryOut, readRepeatable, type Once } from './repeat.js';
import { respond } from './respond.js';

export interface MountOptions {
  readonly authenticate: Authenticate;
  readonly limit: Limit;
  readonly clock: Clock;
  readonly log: Logger;
  readonly once: Once;
  /** How long a handler may take before the caller is told that the outcome is unknown. */
  readonly handlerTimeoutMs: number;
}

/** Serves every route, and answers the other methods of its path with 405. */
export function mount(app: Express, routes: readonly Route[], options: MountOptions): void {
  const paths = new Map<string, Route[]>();
  for (const each of [...routes].sort(literalFirst)) {
    const path = expressPath(each.endpoint.path);
    paths.set(path, [...(paths.get(path) ?? []), each]);
  }
  for (const [path, offered] of paths) {
    for (const each of offered) {
      app[verbs[each.endpoint.method]](path, (request: Request, response: Response) =>
        serve(each, options, request, response),
      );
    }
    app.all(path, refuseMethod(offered));
  }
}

/** Sorts so that `/agents/services` goes before `/agents/{agent_id}`, whoever defined them in which order. */
function literalFirst(a: Route, b: Route): number {
  const [left, right] = [shapeOf(a.endpoint.path), shapeOf(b.endpoint.path)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** One digit for each segment: 0 for a literal, 1 for a parameter. */
function shapeOf(path: string): string {
  return path.replace(/\/(\{)?[^/]*/g, (_, brace?: string) => (brace ? '1' : '0'));
}

const verbs = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

async function serve(
  route: Route,
  options: MountOptions,
  request: Request,
  response: Response,
): Promise<void> {
  const { family, endpoint } = route;
  response.locals['endpoint'] = endpoint.id;
  rememberFamily(response, family);
  if (endpoint.auth.length > 0) await options.limit.assertNotGuessing(request, response);
  const principal = await options.authenticate(endpoint.auth, request);
  if (principal) {
    response.locals['principal'] = principal.party.id;
    await options.limit.principal(principal.party.id, endpoint.rate, response);
  } else {
    await options.limit.address(request, response);
  }
  const body = endpoint.method === 'GET' ? {} : await readBody(request, response);
  const decoded = decodeRequest(endpoint, { params: request.params, query: request.query, body });
  const repeatable = principal && readRepeatable(endpoint, principal, request, decoded);
  const call = { ...decoded, principal, repeatable } as unknown as Call<Endpoint>;
  const wire = await withDeadline(carryOut(route, call, options.once), options).catch((error: unknown) => {
    warnOfUndocumented(error, endpoint, options.log, requestIdOf(response));
    throw error;
  });
  respond(endpoint, wire, request, response);
}

async function withDeadline<T>(work: Promise<T>, { clock, handlerTimeoutMs }: MountOptions): Promise<T> {
  let cancel = (): void => {};
  const deadline = new Promise<never>((_, reject) => {
    cancel = clock.timer(handlerTimeoutMs, () =>
      reject(new AgentPayError('outcome_unknown', 'The request took too long.')),
    );
  });
  return Promise.race([work, deadline]).finally(() => cancel());
}

/** Callers program against the documented errors; another one is a fault of ours, whatever its status. */
function warnOfUndocumented(error: unknown, endpoint: Endpoint, log: Logger, requestId: string): void {
  if (isAgentPayError(error) && !errorsOf(endpoint).includes(error.kind)) {
    log.warn({ requestId, endpoint: endpoint.id, kind: error.kind }, 'undocumented error');
  }
}

function refuseMethod(offered: readonly Route[]) {
  const methods = offered.map(({ endpoint }) => endpoint.method as string);
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return function methodNotAllowed(request: Request, response: Response): void {
    rememberFamily(response, offered[0]?.family as Family);
    response.setHeader('Allow', allow);
    if (request.method !== 'OPTIONS')
      throw new AgentPayError('method_not_allowed', `${request.method} is not offered here.`);
    response.status(204).end();
  };
}
