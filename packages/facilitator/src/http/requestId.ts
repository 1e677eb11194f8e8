import { newId, type Clock, type Random } from '@agentpay/primitives';
import type { RequestHandler, Response } from 'express';

const ACCEPTED = /^[A-Za-z0-9._:-]{1,64}$/;

/** The name of a request: what the caller says in `X-Request-Id`, when that is plain and short, else a new one. */
export function nameOf(
  given: string | string[] | undefined,
  source: { clock: Clock; random: Random },
): string {
  return typeof given === 'string' && ACCEPTED.test(given) ? given : newId('request', source);
}

/** Names every request, and says that answers are not to be kept. */
export function requestId(source: { clock: Clock; random: Random }): RequestHandler {
  return (req, res, next) => {
    const id = nameOf(req.headers['x-request-id'], source);
    res.locals['requestId'] = id;
    res.set('X-Request-Id', id).set('Cache-Control', 'no-store');
    next();
  };
}

/** The name that {@link requestId} gave. */
export function requestIdOf(res: Response): string {
  return res.locals['requestId'] as string;
}
