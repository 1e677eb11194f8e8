import { requestIds } from '@agentpay/http';
import type { RequestListener } from 'node:http';
import { AgentPayError, type Clock, type Random } from '@agentpay/primitives';
import express, { type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Catalogue } from '../extensions/Catalogue.js';
import type { RunningFacilitator } from '../engine/Facilitator.js';
import { byPaymentRoute } from './byPayment.js';
import { createAccess, type Access } from './access.js';
import { discoveryRoutes } from './discovery.js';
import { respondWithErrors } from './errors.js';
import { healthRoutes } from './health.js';
import { operationRoutes } from './operations.js';
import { paymentsBefore, supportedRoute } from './payments.js';
import type { Metrics } from '../operations/Metrics.js';
import type { PaymentIdentifiers } from '../extensions/PaymentIdentifiers.js';
import type { Readiness } from '../operations/Readiness.js';
import type { SettlementBook } from '../operations/SettlementBook.js';

/** The facilitator, and around it what a service has; each part that is left out leaves its routes out. */
export interface AppOptions {
  readonly facilitator: RunningFacilitator;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Largest body, in bytes. Default 64 KiB. */
  readonly bodyLimit?: number;
  /** Default: payments are open to all and not counted. */
  readonly access?: Access;
  readonly readiness?: Readiness;
  readonly metrics?: Metrics;
  readonly metricsToken?: string | undefined;
  /** Opens `/settlements` and `/admin`. */
  readonly book?: SettlementBook;
  /** Opens `/discovery`. */
  readonly catalogue?: Catalogue | undefined;
  readonly identifiers?: PaymentIdentifiers;
}

/**
 * The facilitator over HTTP: for `http.createServer`, or for `app.use` of an application around it.
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { viemChain } from '@agentpay/evm';
 * import { createApp, createFacilitator, migrations } from '@agentpay/facilitator';
 * import { createLogger } from '@agentpay/http';
 * import { baseSepolia, systemClock, systemRandom } from '@agentpay/primitives';
 * import { migrate, pgDb } from '@agentpay/storage';
 * import { privateKeyToAccount } from 'viem/accounts';
 *
 * const db = await pgDb({ url: process.env['DATABASE_URL'] ?? '' });
 * await migrate(db, migrations);
 * const facilitator = await createFacilitator({
 *   chain: viemChain({ rpcUrl: 'https://sepolia.base.org' }),
 *   db,
 *   network: baseSepolia,
 *   accounts: [privateKeyToAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')],
 *   clock: systemClock,
 *   random: systemRandom,
 *   maxValidBeforeSeconds: 3_600,
 * });
 * const app = createApp({ facilitator, clock: systemClock, random: systemRandom, log: createLogger('info') });
 * const server = createServer(app).listen(3102);
 *
 * // At the end:
 * server.close();
 * await facilitator.close();
 * await db.close();
 * ```
 */
export function createApp(options: AppOptions): RequestListener {
  const {
    facilitator,
    log,
    book,
    catalogue,
    bodyLimit = 64 * 1024,
    access = createAccess({ keys: [] }),
  } = options;
  const { clock, random, metrics, identifiers } = options;
  const payments = {
    facilitator,
    access,
    clock,
    random,
    log,
    bodyLimit,
    metrics,
    catalogue,
    identifiers,
  };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(requestIds(options), uncached, helmet());
  supportedRoute(app, payments);
  healthRoutes(app, options);
  if (book) byPaymentRoute(app, { book, access });
  if (book) operationRoutes(app, { facilitator, book, access, log, readiness: options.readiness });
  if (catalogue) discoveryRoutes(app, { catalogue, access });
  app.use(unknownRoute);
  app.use(respondWithErrors(log));
  return paymentsBefore(app, payments);
}

const allowed: readonly (readonly [pattern: RegExp, method: string])[] = [
  [/^\/(verify|settle)$/, 'POST'],
  [/^\/settlements\/[^/]+\/reconcile$/, 'POST'],
  [/^\/settlements(\/[^/]+|\/by-payment\/[^/]+)?$/, 'GET'],
  [
    /^\/(supported|health|healthz|readyz|metrics|admin(\/(activity|health))?|discovery\/(resources|search))$/,
    'GET',
  ],
];

const uncached: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store');
  next();
};

const unknownRoute: RequestHandler = (req, res, next) => {
  const [, method] = allowed.find(([pattern]) => pattern.test(req.path)) ?? [];
  // A part of the service that was left out answers as if it had never been.
  if (method === undefined || method === req.method) {
    return next(new AgentPayError('not_found', `There is nothing at ${req.path.slice(0, 200)}.`));
  }
  res.set('Allow', method);
  next(new AgentPayError('method_not_allowed', `${req.path.slice(0, 200)} takes ${method} only.`));
};
