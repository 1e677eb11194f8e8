import { gateway } from '@agentpay/api';
import { gateways } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import express, { type Express, type Request, type Response } from 'express';
import type { Composition } from '../compose.js';
import { checkStripeSignature, readStripeEvent } from '../stripe/stripeEvent.js';
import { MAX_BODY_BYTES } from './body.js';
import { rememberFamily } from './errors.js';
import { refuseMethod } from './mount.js';
import type { Limit } from './rateLimit.js';

const { path, id } = gateway.heard.stripe;
const raw = express.raw({ limit: MAX_BODY_BYTES, type: () => true });

/** `POST /stripe/webhook`: events of Stripe, signed over the body as it was sent. What they are not about is received all the same. */
export function stripeRoutes(
  app: Express,
  { core, log, stripeWebhookSecret: secret }: Composition,
  limit: Limit,
): void {
  app.post(path, async (request: Request, response: Response) => {
    response.locals['endpoint'] = id;
    rememberFamily(response, gateway);
    await limit.assertNotGuessing(request, response);
    const body = await rawBody(request, response);
    checkStripeSignature(request.get('stripe-signature'), body, { secret, clock: core.clock });
    await limit.address(request, response);
    const said = readStripeEvent(body);
    const funding = await gateways.hear(core, said);
    log.info({ event: said.eventId, type: said.type, funding: funding?.id }, 'event of Stripe');
    response.setHeader('Cache-Control', 'no-store').json({ received: true });
  });
  app.all(path, refuseMethod(gateway, ['POST']));
}

function rawBody(request: Request, response: Response): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    raw(request, response, (error?: unknown) => {
      if (error === undefined) return resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
      const { status } = error as { status?: number };
      const large = new AgentPayError('payload_too_large', `The body has more than ${MAX_BODY_BYTES} bytes.`);
      reject(status === 413 ? large : error);
    });
  });
}
