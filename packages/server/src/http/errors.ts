import { challengesOf, familyAt, renderError, type Family } from '@agentpay/api';
import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import type { NextFunction, Request, Response } from 'express';
import { requestIdOf, type Logger } from '@agentpay/http';
import type { Limit } from './rateLimit.js';
import { sendJson } from './sendJson.js';

/** Notes which family answers this request; without it the family of the path does. */
export function rememberFamily(response: Response, family: Family): void {
  response.locals['family'] = family;
}

/**
 * The last stop of every failed request: its family words the error. Callers that were not admitted under a credential are charged
 * to their address here, so that guessing keys and paths is limited too.
 */
export function renderErrors({ log, limit }: { log: Logger; limit: Limit }) {
  return async function handleError(
    error: unknown,
    request: Request,
    response: Response,
    next: NextFunction,
  ): Promise<void> {
    let shown = asAgentPayError(error);
    // 502 is the fault of a seller.
    if (shown.status >= 500 && shown.status !== 502)
      log.error({ requestId: requestIdOf(response), err: error }, 'request failed');
    if (response.headersSent) return next(error);
    if (!response.hasHeader('x-ratelimit-limit')) {
      const charge = shown.kind === 'unauthorized' ? limit.refused : limit.address;
      await charge(request, response).catch((refusal: unknown) => {
        shown = asAgentPayError(refusal);
      });
    }
    send(shown, request, response);
  };
}

function send(error: AgentPayError, request: Request, response: Response): void {
  const family = (response.locals['family'] as Family | undefined) ?? familyAt(request.path);
  const { status, body } = renderError(family, error, requestIdOf(response));
  if (error.kind === 'unauthorized' && isPageOf(request, response)) return signInFirst(request, response);
  const challenges = error.kind === 'unauthorized' ? challengesOf(family.credentials) : [];
  if (challenges.length > 0) response.setHeader('WWW-Authenticate', challenges.join(', '));
  if (error.retryAfter !== undefined) response.setHeader('Retry-After', String(Math.ceil(error.retryAfter)));
  response.setHeader('Cache-Control', 'no-store');
  sendJson(response.status(status), body);
}

/** Whether a browser asks for a page. */
function isPageOf(request: Request, response: Response): boolean {
  return response.locals['endpointKind'] === 'page' && request.accepts(['json', 'html']) === 'html';
}

/** A page that needs a session is opened once somebody has signed in. */
function signInFirst(request: Request, response: Response): void {
  const query = new URLSearchParams({ callbackUrl: request.originalUrl, error: 'SessionRequired' });
  response.setHeader('Cache-Control', 'no-store');
  response.redirect(303, `/signin?${query}`);
}

/** What callers may see of an error: its own words when they are meant for callers, nothing of it otherwise. */
export function asAgentPayError(error: unknown): AgentPayError {
  if (isAgentPayError(error) && error.kind !== 'internal_error') return error;
  if (error instanceof URIError)
    return new AgentPayError('invalid_request', 'The path has a malformed percent-encoding.');
  return new AgentPayError('internal_error', 'Something went wrong on our side.', { cause: error });
}
