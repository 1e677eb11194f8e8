import { AgentPayError } from '@agentpay/primitives';
import type { NextFunction, Request, Response } from 'express';

/** How long a browser may remember what a preflight said. */
const PREFLIGHT_SECONDS = 600;

export interface CrossOriginOptions {
  /** Origins whose pages may use the API. */
  readonly allowedOrigins: readonly string[];
  readonly baseUrl: () => string;
}

/**
 * Lets pages of the origins that the operator of the public demo has named use the API (CORS, as the Fetch standard has it), and refuses
 * what pages of any other origin send. Cookies stay out of it: no response allows them, so that keys in headers are all that such a page
 * has. Programs and this server's own pages are not concerned.
 * @throws AgentPayError `forbidden` with the reason `origin_not_allowed`
 */
export function crossOrigin({ allowedOrigins, baseUrl }: CrossOriginOptions) {
  const allowed = new Set(allowedOrigins);
  return function checkOrigin(request: Request, response: Response, next: NextFunction): void {
    response.vary('Origin');
    const { origin } = request.headers;
    if (origin === undefined || isOwn(origin, request, baseUrl())) return next();
    if (!allowed.has(origin))
      throw new AgentPayError('forbidden', 'Pages of this origin may not use the public demo.', {
        reason: 'origin_not_allowed',
      });
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', '*');
    if (request.method !== 'OPTIONS' || !request.get('access-control-request-method')) return next();
    response.vary('Access-Control-Request-Headers');
    response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST, PUT, PATCH, DELETE');
    response.setHeader('Access-Control-Allow-Headers', request.get('access-control-request-headers') ?? '');
    response.setHeader('Access-Control-Max-Age', String(PREFLIGHT_SECONDS));
    response.status(204).end();
  };
}

/** A page of this server, by the address that it has for others or by the one that was asked. */
function isOwn(origin: string, request: Request, baseUrl: string): boolean {
  return origin === new URL(baseUrl).origin || origin === `${request.protocol}://${request.headers.host}`;
}
