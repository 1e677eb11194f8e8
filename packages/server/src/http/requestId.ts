import { newId, type Clock, type Random } from '@agentpay/primitives';
import type { NextFunction, Request, Response } from 'express';

const ACCEPTED = /^[A-Za-z0-9._:-]{1,64}$/;

/** Gives every request an id: the caller's `X-Request-Id` when it is plain and short, else a new one. It is echoed in the answer. */
export function requestId(source: { clock: Clock; random: Random }) {
  return function assignRequestId(request: Request, response: Response, next: NextFunction): void {
    const given = request.get('x-request-id');
    const id = given !== undefined && ACCEPTED.test(given) ? given : newId('request', source);
    response.locals['requestId'] = id;
    response.setHeader('X-Request-Id', id);
    next();
  };
}

/** The id that {@link requestId} assigned. */
export function requestIdOf(response: Response): string {
  return response.locals['requestId'] as string;
}
