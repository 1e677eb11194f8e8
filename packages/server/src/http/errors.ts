import { errorBody } from '@agentpay/api';
import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import type { NextFunction, Request, Response } from 'express';
import type { Logger } from '../log.js';
import type { Limit } from './rateLimit.js';
import { requestIdOf } from './requestId.js';

/**
 * The last stop of every failed request: renders the one error body. Callers that were not admitted under a credential are charged
 * to their address here, so that guessing keys and paths is limited too.
 */
export function renderErrors({ log, limit }: { log: Logger; limit: Limit }) {
  return async function renderError(
    error: unknown,
    request: Request,
    response: Response,
    next: NextFunction,
  ): Promise<void> {
    let shown = asAgentPayError(error);
    if (shown.status >= 500) log.error({ requestId: requestIdOf(response), err: error }, 'request failed');
    if (response.headersSent) return next(error);
    if (!response.hasHeader('x-ratelimit-limit')) {
      await limit.address(request, response).catch((refusal: unknown) => {
        shown = asAgentPayError(refusal);
      });
    }
    send(shown, response);
  };
}

function send(error: AgentPayError, response: Response): void {
  if (error.kind === 'unauthorized') response.setHeader('WWW-Authenticate', 'Bearer realm="agentpay"');
  if (error.retryAfter !== undefined) response.setHeader('Retry-After', String(Math.ceil(error.retryAfter)));
  response.setHeader('Cache-Control', 'no-store');
  response.status(error.status).json(errorBody(error, requestIdOf(response)));
}

/** What callers may see of an error: its own words when they are meant for callers, nothing of it otherwise. */
function asAgentPayError(error: unknown): AgentPayError {
  if (isAgentPayError(error) && error.kind !== 'internal_error') return error;
  if (error instanceof URIError)
    return new AgentPayError('invalid_request', 'The path has a malformed percent-encoding.');
  return new AgentPayError('internal_error', 'Something went wrong on our side.', { cause: error });
}
