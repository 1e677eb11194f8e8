import type { Clock } from '@agentpay/primitives';
import type { Express, NextFunction, Request, Response } from 'express';
import type { Authenticate } from '../auth/authenticate.js';
import type { ServerMetrics } from '../operations/Metrics.js';
import type { Limit } from './rateLimit.js';

export interface MetricsRoutesOptions {
  readonly authenticate: Authenticate;
  readonly limit: Limit;
  readonly clock: Clock;
  readonly metrics: ServerMetrics;
}

/**
 * Middleware that counts every request that comes after it by endpoint and status. A request that no endpoint took is counted under
 * `none`, so that nobody can make labels.
 */
export function countRequests({ clock, metrics }: Pick<MetricsRoutesOptions, 'clock' | 'metrics'>) {
  return function count(_request: Request, response: Response, next: NextFunction): void {
    const started = clock.now();
    response.on('close', () => {
      const endpoint = (response.locals['endpoint'] as string | undefined) ?? 'none';
      const status = response.writableFinished ? String(response.statusCode) : 'aborted';
      metrics.requested(endpoint, status, (clock.now() - started) / 1000);
    });
    next();
  };
}

/** Serves the figures of this instance at `GET /metrics` in the text format of Prometheus, to the operator alone. */
export function metricsRoutes(app: Express, options: MetricsRoutesOptions): void {
  const { authenticate, limit, metrics } = options;
  app.get('/metrics', async (request, response) => {
    response.locals['endpoint'] = 'metrics';
    await limit.assertNotGuessing(request, response);
    await authenticate(['admin'], request);
    response.setHeader('Cache-Control', 'no-store');
    const { contentType, text } = await metrics.render();
    response.setHeader('Content-Type', contentType);
    response.end(text);
  });
}
