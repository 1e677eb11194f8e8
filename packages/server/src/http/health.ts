import type { Express, Request, Response } from 'express';
import type { Composition } from '../compose.js';

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
    const ok = checks.database === 'ok';
    if (!ok) log.warn({ checks }, 'not ready');
    response.setHeader('Cache-Control', 'no-store').status(ok ? 200 : 503).json({ status: ok ? 'ok' : 'unavailable', checks });
  });
  app.get('/.well-known/jwks.json', (_request, response) => {
    response.setHeader('Cache-Control', 'public, max-age=300').json({ keys: tokenKeys });
  });
}
