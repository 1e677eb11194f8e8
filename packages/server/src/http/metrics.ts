import type { Clock } from '@agentpay/primitives';
import type { Express, NextFunction, Request, Response } from 'express';
import { Counter, Histogram, Registry } from 'prom-client';
import type { Authenticate } from '../auth/authenticate.js';
import type { Limit } from './rateLimit.js';

export interface MetricsRoutesOptions {
  readonly authenticate: Authenticate;
  readonly limit: Limit;
  readonly clock: Clock;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Counts every request that comes after it by endpoint and status, and serves the figures of this instance at `GET /metrics` in the text
 * format of Prometheus, to the operator alone. A request that no endpoint took is counted under `none`, so that nobody can make labels.
 */
export function metricsRoutes(app: Express, { authenticate, limit, clock }: MetricsRoutesOptions): void {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'agentpay_api_requests_total',
    help: 'Requests by endpoint and status.',
    labelNames: ['endpoint', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'agentpay_api_request_seconds',
    help: 'Time to answer.',
    labelNames: ['endpoint'],
    buckets: SECONDS,
    registers,
  });

  app.use(function count(_request: Request, response: Response, next: NextFunction): void {
    const started = clock.now();
    response.once('close', () => {
      const endpoint = (response.locals['endpoint'] as string | undefined) ?? 'none';
      const status = response.writableFinished ? String(response.statusCode) : 'aborted';
      requests.inc({ endpoint, status });
      seconds.observe({ endpoint }, (clock.now() - started) / 1000);
    });
    next();
  });
  app.get('/metrics', async (request, response) => {
    await limit.assertNotGuessing(request, response);
    await authenticate(['admin'], request);
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Content-Type', registry.contentType);
    response.end(await registry.metrics());
  });
}
