import { audit, idempotency, orgs } from '@agentpay/core';
import { requestIds } from '@agentpay/http';
import { AgentPayError } from '@agentpay/primitives';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { authenticator } from './auth/authenticate.js';
import type { Composition } from './compose.js';
import { allRoutes } from './families/index.js';
import { assetRoutes } from './http/assets.js';
import { dashboardFileRoutes, dashboardPageRoutes } from './http/dashboard.js';
import { accessLog } from './http/accessLog.js';
import { demoSellerRoutes } from './http/demoSeller.js';
import { renderErrors } from './http/errors.js';
import { crossOrigin, type CrossOriginOptions } from './http/crossOrigin.js';
import { healthRoutes } from './http/health.js';
import { inTurn } from './http/inTurn.js';
import { markdownPaths } from './http/markdownPaths.js';
import { mcpRoutes } from './http/mcp.js';
import { meteredProxyRoutes } from './http/meteredProxy.js';
import { countRequests, metricsRoutes } from './http/metrics.js';
import { mount, type MountOptions } from './http/mount.js';
import { rateLimit, type Rates } from './http/rateLimit.js';
import { securityHeaders } from './http/securityHeaders.js';
import { stripeRoutes } from './http/stripeWebhook.js';
import { x402Routes } from './http/x402Wall.js';
import { version } from './version.js';

/** Callers are promised a response within 30 s: it is on its way before. */
const HANDLER_TIMEOUT_MS = 29_000;

export interface ApiOptions {
  readonly trustProxyHops: number;
  readonly rateLimit: Rates;
  readonly production: boolean;
  /** Whose pages may use a demo that is open to the public. */
  readonly publicDemo?: Pick<CrossOriginOptions, 'allowedOrigins'> | undefined;
}

/** The API as an Express application. */
export function createApp(composition: Composition, options: ApiOptions): Express {
  const { core, limiter, log, baseUrl, metrics, traced } = composition;
  const { clock, random } = core;
  const { rateLimit: rates, trustProxyHops, production, publicDemo } = options;
  const limit = rateLimit({ limiter, rates, clock, trustProxyHops });
  const app = express();
  app.set('trust proxy', options.trustProxyHops);
  app.set('query parser', 'simple');
  app.disable('etag');
  app.disable('x-powered-by');
  app.use(
    inTurn(
      securityHeaders({ tls: baseUrl().startsWith('https:') }),
      requestIds({ clock, random }),
      accessLog({ log, clock }),
      requireHost,
      markdownPaths,
      countRequests({ clock, metrics }),
      ...(publicDemo ? [crossOrigin({ ...publicDemo, baseUrl })] : []),
    ),
  );
  const authenticate = authenticator(core);
  // What is called most comes first: Express tries one after the other.
  meteredProxyRoutes(app, composition, { authenticate, limit });
  const routes = allRoutes(composition);
  const serving = {
    authenticate,
    limit,
    once: (request, work) => idempotency.once(core, request, work),
    audited: (own, describe, work) => audit.recorded(own ?? core, describe, work),
    noteRefusal: (principal, error) => orgs.noteRefusal(core, { principal, error }),
    proved: ({ party }) => core.proofs.of(party.kind === 'platform' ? undefined : party.id),
    note: composition.requestLog.note,
    clock,
    random,
    log,
    handlerTimeoutMs: HANDLER_TIMEOUT_MS,
    secureCookies: () => production || baseUrl().startsWith('https:'),
    traced,
  } satisfies MountOptions;
  dashboardPageRoutes(app, serving);
  mount(app, routes, serving);
  metricsRoutes(app, { authenticate, limit, clock, metrics });
  healthRoutes(app, composition);
  assetRoutes(app);
  dashboardFileRoutes(app);
  demoSellerRoutes(app, { demo: composition.demo, limit });
  stripeRoutes(app, composition, limit);
  x402Routes(app, composition, { authenticate, limit });
  mcpRoutes(app, routes, { ...serving, core, baseUrl, version });
  app.use(notFound);
  app.use(renderErrors({ log, limit }));
  return app;
}

/** RFC 9112 section 3.2: HTTP/1.1 without Host is refused. Node would do so with an empty body. */
function requireHost(request: Request, _response: Response, next: NextFunction): void {
  if (request.httpVersion === '1.1' && !request.headers.host)
    throw new AgentPayError('invalid_request', 'The header Host is missing.');
  next();
}

function notFound(): void {
  throw new AgentPayError('not_found', 'There is nothing at this path.');
}
