import { healthRoutes as commonRoutes, plain, requestIdOf } from '@agentpay/http';
import { AgentPayError } from '@agentpay/primitives';
import type { Express, Response } from 'express';
import type { Logger } from 'pino';
import { sameSecret } from '../operations/ApiKey.js';
import type { RunningFacilitator } from '../engine/Facilitator.js';
import type { Metrics } from '../operations/Metrics.js';
import type { Readiness } from '../operations/Readiness.js';
import { bearerIn } from './access.js';

export interface HealthRoutesOptions {
  readonly facilitator: RunningFacilitator;
  readonly log: Logger;
  readonly readiness?: Readiness | undefined;
  readonly metrics?: Metrics | undefined;
  /** Without it there is no `/metrics`. */
  readonly metricsToken?: string | undefined;
}

/**
 * `/healthz` (and `/health`): the process answers. `/readyz`: it should be sent payments, and which part is at fault when not.
 * `/metrics`: its figures, for who has the token. None of them is counted by the rate limit.
 */
export function healthRoutes(
  app: Express,
  { facilitator, log, readiness, metrics, metricsToken }: HealthRoutesOptions,
): void {
  commonRoutes(app, {
    async check() {
      const { ready, ...report } = readiness ? await readiness.check() : await bareCheck(facilitator);
      return { ready, report };
    },
    notReady(report, response) {
      const requestId = requestIdOf(response as Response);
      log.warn({ requestId, ...report }, 'not ready');
      const { status, message, hint } = new AgentPayError(
        'unavailable',
        'The facilitator should not be sent payments now.',
      );
      return { status, body: { code: 'unavailable', error: message, hint, requestId } };
    },
  });

  if (!metrics || metricsToken === undefined) return;
  app.get('/metrics', async (req, res) => {
    const token = bearerIn(req.headers.authorization);
    if (token === undefined || !sameSecret(token, metricsToken)) {
      res.set('WWW-Authenticate', 'Bearer');
      throw new AgentPayError('unauthorized', 'This needs the token of the metrics.');
    }
    const { contentType, text } = await metrics.render();
    res.type(contentType).send(text);
  });
}

async function bareCheck(facilitator: RunningFacilitator): Promise<{ ready: boolean; error?: string }> {
  return facilitator.ready().then(
    () => ({ ready: true }),
    (error: Error) => ({ ready: false, error: plain(error.message) }),
  );
}
