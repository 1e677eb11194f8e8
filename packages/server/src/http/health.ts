import { familyAt, renderError } from '@agentpay/api';
import { healthRoutes as commonRoutes, requestIdOf } from '@agentpay/http';
import { AgentPayError } from '@agentpay/primitives';
import type { Express, Response } from 'express';
import type { Composition } from '../compose.js';

/**
 * Health, where the database alone decides whether the process is ready, and `GET /.well-known/jwks.json`: the keys that payment
 * tokens are checked with (RFC 7517).
 */
export function healthRoutes(app: Express, { ready, tokenKeys, log }: Composition): void {
  commonRoutes(app, {
    async check() {
      const checks = await ready();
      return { ready: checks.database === 'ok', report: { checks } };
    },
    notReady(report, response) {
      log.warn(report, 'not ready');
      const error = new AgentPayError('unavailable', 'The database takes no requests.');
      return renderError(familyAt('/readyz'), error, requestIdOf(response as Response));
    },
  });
  app.get('/.well-known/jwks.json', (_request, response) => {
    response.setHeader('Cache-Control', 'public, max-age=300').json({ keys: tokenKeys });
  });
}
