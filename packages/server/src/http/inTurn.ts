import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** Middleware that is several, one after the other. To Express each one by itself is a path to be matched. */
export function inTurn(...all: readonly RequestHandler[]): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    let at = 0;
    const step: NextFunction = (error?: unknown) => {
      const following = error === undefined ? all[at++] : undefined;
      if (following) following(request, response, step);
      else next(error);
    };
    step();
  };
}
