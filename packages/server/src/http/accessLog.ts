import type { Clock } from '@agentpay/primitives';
import type { NextFunction, Request, Response } from 'express';
import { requestIdOf, type Logger } from '@agentpay/http';

/**
 * One line for each answered request. It names the endpoint and the principal, never the URL, headers or bodies,
 * which may hold keys and tokens.
 */
export function accessLog({ log, clock }: { log: Logger; clock: Clock }) {
  return function logAccess(request: Request, response: Response, next: NextFunction): void {
    if (!log.isLevelEnabled('info')) return next();
    const started = clock.now();
    response.on('close', () => {
      log.info(
        {
          requestId: requestIdOf(response),
          method: request.method,
          endpoint: response.locals['endpoint'] as string | undefined,
          principal: response.locals['principal'] as string | undefined,
          status: response.statusCode,
          aborted: !response.writableFinished,
          ms: clock.now() - started,
        },
        'request',
      );
    });
    next();
  };
}
