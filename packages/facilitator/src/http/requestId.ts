import { newId, type Clock, type Random } from '@agentpay/primitives';
import type { RequestHandler, Response } from 'express';

const ACCEPTED = /^[A-Za-z0-9._:-]{1,64}$/;

/** Names every request: as the caller does in `X-Request-Id`, when that is plain and short, else anew. Answers are not to be kept. */
export function requestId(source: { clock: Clock; random: Random }): RequestHandler {
  return (req, res, next) => {
    const given = req.get('x-request-id');
    const id = given !== undefined && ACCEPTED.test(given) ? given : newId('request', source);
    res.locals['requestId'] = id;
    res.set('X-Request-Id', id).set('Cache-Control', 'no-store');
    next();
  };
}

/** The name that {@link requestId} gave. */
export function requestIdOf(res: Response): string {
  return res.locals['requestId'] as string;
}
