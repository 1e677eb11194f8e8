import type { IncomingMessage, ServerResponse } from 'node:http';
import { newId, type Clock, type Random } from '@agentpay/primitives';

const ACCEPTED = /^[A-Za-z0-9._:-]{1,64}$/;

/** A response of Express. */
type WithLocals = ServerResponse & { readonly locals: Record<string, unknown> };

/** The id of a request: the caller's `X-Request-Id` when that is plain and short, else a new one. */
export function requestIdFrom(
  given: string | string[] | undefined,
  source: { clock: Clock; random: Random },
): string {
  return typeof given === 'string' && ACCEPTED.test(given) ? given : newId('request', source);
}

/** Middleware of Express that gives every request an id, echoed in the response. */
export function requestIds(source: { clock: Clock; random: Random }) {
  return function assignRequestId(request: IncomingMessage, response: WithLocals, next: () => void): void {
    const id = requestIdFrom(request.headers['x-request-id'], source);
    response.locals['requestId'] = id;
    response.setHeader('X-Request-Id', id);
    next();
  };
}

/** The id that {@link requestIds} gave. */
export function requestIdOf(response: { readonly locals: Record<string, unknown> }): string {
  return response.locals['requestId'] as string;
}
