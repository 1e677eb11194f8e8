import {
  decodeRequest,
  encodeResponse,
  errorsOf,
  type Endpoint,
  type RequestOf,
  type ResponseOf,
} from '@agentpay/api';
import { AgentPayError, isAgentPayError, type Clock } from '@agentpay/primitives';
import type { Express, Request, Response } from 'express';
import type { Authenticate, PrincipalOf } from '../auth/authenticate.js';
import type { Logger } from '../log.js';
import { readBody } from './body.js';
import type { Limit } from './rateLimit.js';
import { requestIdOf } from './requestId.js';

/** A decoded request of an endpoint and who sent it. */
export interface Call<E extends Endpoint> extends RequestOf<E> {
  readonly principal: PrincipalOf<E['auth']>;
  /** The `Idempotency-Key` header. */
  readonly idempotencyKey: string | undefined;
}

/** An endpoint with what answers it. */
export interface Route {
  readonly endpoint: Endpoint;
  readonly handle: (call: Call<Endpoint>) => Promise<ResponseOf<Endpoint>>;
}

/** Ties an endpoint to its handler. */
export function route<E extends Endpoint>(
  endpoint: E,
  handle: (call: Call<E>) => Promise<ResponseOf<E>>,
): Route {
  return { endpoint, handle: handle as unknown as Route['handle'] };
}

export interface MountOptions {
  readonly authenticate: Authenticate;
  readonly limit: Limit;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a handler may take before the caller is told that the outcome is unknown. */
  readonly handlerTimeoutMs: number;
}

/** Serves every route, and answers the other methods of its path with 405. */
export function mount(app: Express, routes: readonly Route[], options: MountOptions): void {
  const methods = new Map<string, string[]>();
  for (const each of routes) {
    const path = expressPath(each.endpoint.path);
    methods.set(path, [...(methods.get(path) ?? []), each.endpoint.method]);
    app[verbs[each.endpoint.method]](path, (request: Request, response: Response) =>
      serve(each, options, request, response),
    );
  }
  for (const [path, allowed] of methods) app.all(path, refuseMethod(allowed));
}

const verbs = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

async function serve(
  { endpoint, handle }: Route,
  options: MountOptions,
  request: Request,
  response: Response,
): Promise<void> {
  response.locals['endpoint'] = endpoint.id;
  const principal = await options.authenticate(endpoint.auth, request);
  if (principal) {
    response.locals['principal'] = principal.id;
    await options.limit.principal(principal.id, endpoint.rate, response);
  } else {
    await options.limit.address(request, response);
  }
  const idempotencyKey = readIdempotencyKey(request);
  const body = endpoint.method === 'GET' ? {} : await readBody(request, response);
  const decoded = decodeRequest(endpoint, { params: request.params, query: request.query, body });
  const call = { ...decoded, principal, idempotencyKey } as unknown as Call<Endpoint>;
  const answer = await withDeadline(handle(call), options).catch((error: unknown) => {
    warnOfUndocumented(error, endpoint, options.log, requestIdOf(response));
    throw error;
  });
  response.setHeader('Cache-Control', 'no-store');
  response.status(endpoint.status).json(encodeResponse(endpoint, answer));
}

function readIdempotencyKey(request: Request): string | undefined {
  const key = request.get('idempotency-key');
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new AgentPayError('invalid_request', 'Idempotency-Key must have 1 to 255 printable characters.', {
      param: 'Idempotency-Key',
    });
  }
  return key;
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

function refuseMethod(allowed: readonly string[]) {
  const allow = [...allowed, ...(allowed.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return function methodNotAllowed(request: Request, response: Response): void {
    response.setHeader('Allow', allow);
    if (request.method !== 'OPTIONS')
      throw new AgentPayError('method_not_allowed', `${request.method} is not offered here.`);
    response.status(204).end();
  };
}
