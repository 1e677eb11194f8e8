import { familyAt, renderError } from '@agentpay/api';
import { AgentPayError } from '@agentpay/primitives';
import type { Express, Request, Response } from 'express';
import type { Composition } from '../compose.js';
import { requestIdOf } from './requestId.js';

/**
 * GET /healthz (and /health): the process answers. GET /readyz: its database answers, too. GET /.well-known/jwks.json: the
 * keys that payment tokens are checked with (RFC 7517). None of them is rate limited.
 */
export function healthRoutes(app: Express, { ready, tokenKeys, log }: Composition): void {
  const live = (_request: Request, response: Response): void => {
    response.setHeader('Cache-Control', 'no-store').json({ status: 'ok' });
  };
  app.get('/healthz', live);
  app.get('/health', live);
  app.get('/readyz', async (_request, response) => {
    const checks = await ready();
    response.setHeader('Cache-Control', 'no-store');
    if (checks.database === 'ok') return void response.json({ status: 'ok', checks });
    log.warn({ checks }, 'not ready');
    const error = new AgentPayError('unavailable', 'The database does not answer.');
    const { status, body } = renderError(familyAt('/readyz'), error, requestIdOf(response));
    response.status(status).json({ status: 'unavailable', checks, ...body });
  });
  app.get('/.well-known/jwks.json', (_request, response) => {
    response.setHeader('Cache-Control', 'public, max-age=300').json({ keys: tokenKeys });
  });
}
