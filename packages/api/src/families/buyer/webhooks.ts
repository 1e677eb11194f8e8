import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { httpUrl, id, line, timestamp } from '../../resources/values.js';
import { AGENT, ofAgent, WEBHOOK } from './resources.js';

const auth = anyOf('session');
const DELIVERY = 'whd_01kb3x9v7f5m2q8r4t6w0y1z3h';
const ofWebhook = ofAgent.extend({ webhook_id: id('webhook') });
const webhook = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  /** "active", or "disabled" after the receiver answered 410. */
  status: z.string(),
  createdAt: timestamp,
});
const example = {
  id: WEBHOOK,
  url: 'https://example.com/agentpay/webhooks',
  events: ['payment.confirmed', 'payment.failed', 'payment.rejected'],
  status: 'active',
  createdAt: '2026-05-08T12:00:00Z',
};

/** GET /api/agents/{id}/webhooks */
export const list = Endpoint.from({
  summary: 'Lists the webhooks of an agent.',
  method: 'GET',
  path: '/api/agents/{id}/webhooks',
  auth,
  params: ofAgent,
  query: pageQuery,
  response: pageOf('webhooks', webhook),
  status: 200,
  errors: ['agent_not_found'],
  example: { params: { id: AGENT }, response: { webhooks: [example], total: 1 } },
});

/** POST /api/agents/{id}/webhooks */
export const create = Endpoint.from({
  summary:
    "Tells a URL of the agent's events from now on. The secret that signs the deliveries is shown this once.",
  method: 'POST',
  path: '/api/agents/{id}/webhooks',
  auth,
  params: ofAgent,
  body: z.object({
    url: httpUrl,
    events: z
      .array(line(textBounds.name), { error: 'must be a list' })
      .min(1)
      .max(numberBounds.webhookEvents),
  }),
  response: webhook.extend({
    /** `whsec_...` */
    secret: z.string(),
  }),
  status: 201,
  errors: ['agent_not_found', 'conflict'],
  example: {
    params: { id: AGENT },
    body: { url: example.url, events: example.events },
    response: { ...example, secret: 'whsec_b3V0IG9mIHRoaXJ0eS10d28gcmFuZG9tIGJ5dGVzIQ==' },
  },
});

const delivery = z.object({
  id: z.string(),
  eventId: z.string(),
  type: z.string(),
  /** "pending", "delivered" or "dead". */
  status: z.string(),
  attempts: z.number(),
  /** HTTP status of the last attempt; null when there was no response. */
  responseStatus: z.number().nullable(),
  /** Why the last attempt failed. */
  error: z.string().nullable(),
  nextAttemptAt: timestamp.nullable(),
  createdAt: timestamp,
  deliveredAt: timestamp.nullable(),
});
const deliveryExample = {
  id: DELIVERY,
  eventId: 'evt_01kb3x9v7f5m2q8r4t6w0y1z3j',
  type: 'payment.confirmed',
  status: 'delivered',
  attempts: 1,
  responseStatus: 200,
  error: null,
  nextAttemptAt: null,
  createdAt: '2026-05-08T12:00:00Z',
  deliveredAt: '2026-05-08T12:00:01Z',
};

/** GET /api/agents/{id}/webhooks/{webhook_id}/deliveries */
export const deliveries = Endpoint.from({
  summary: 'Lists what was sent to a webhook of an agent, newest first.',
  method: 'GET',
  path: '/api/agents/{id}/webhooks/{webhook_id}/deliveries',
  auth,
  params: ofWebhook,
  query: pageQuery,
  response: pageOf('deliveries', delivery),
  status: 200,
  errors: ['agent_not_found', 'webhook_not_found'],
  example: {
    params: { id: AGENT, webhook_id: WEBHOOK },
    response: { deliveries: [deliveryExample], total: 1 },
  },
});

/** POST /api/agents/{id}/webhooks/{webhook_id}/deliveries/{delivery_id}/replay */
export const replay = Endpoint.from({
  summary: 'Sends a delivery of a webhook of an agent again, with the same event.',
  method: 'POST',
  path: '/api/agents/{id}/webhooks/{webhook_id}/deliveries/{delivery_id}/replay',
  auth,
  params: ofWebhook.extend({ delivery_id: id('delivery') }),
  response: delivery,
  status: 200,
  errors: ['agent_not_found', 'webhook_not_found', 'delivery_not_found', 'conflict'],
  example: {
    params: { id: AGENT, webhook_id: WEBHOOK, delivery_id: DELIVERY },
    response: {
      ...deliveryExample,
      status: 'pending',
      attempts: 0,
      nextAttemptAt: '2026-05-08T12:00:00Z',
      deliveredAt: null,
    },
  },
});

const deleteWebhook = Endpoint.from({
  summary: 'Tells a webhook nothing more.',
  method: 'DELETE',
  path: '/api/agents/{id}/webhooks/{webhook_id}',
  auth,
  params: ofWebhook,
  response: z.object({ id: z.string(), status: z.string() }),
  status: 200,
  errors: ['agent_not_found', 'webhook_not_found'],
  example: { params: { id: AGENT, webhook_id: WEBHOOK }, response: { id: WEBHOOK, status: 'deleted' } },
});

/** DELETE /api/agents/{id}/webhooks/{webhook_id} */
export { deleteWebhook as delete };
