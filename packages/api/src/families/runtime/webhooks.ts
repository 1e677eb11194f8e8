import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageOf, pageQuery } from '../../resources/page.js';
import { httpUrl, id, line, timestamp } from '../../resources/values.js';

const WEBHOOK = 'wh_01kb3x9v7f5m2q8r4t6w0y1z3g';
const DELIVERY = 'whd_01kb3x9v7f5m2q8r4t6w0y1z3h';
const EVENT = 'evt_01kb3x9v7f5m2q8r4t6w0y1z3j';
const params = z.object({ webhook_id: id('webhook') });
const auth = anyOf('agent');

const webhook = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  /** "active", or "disabled" after the receiver answered 410. */
  status: z.string(),
  created_at: timestamp,
});
const withSecret = webhook.extend({
  /** `whsec_...`: signs every delivery. Shown this once. */
  secret: z.string(),
});
const delivery = z.object({
  id: z.string(),
  event_id: z.string(),
  type: z.string(),
  /** "pending", "delivered" or "dead". */
  status: z.string(),
  attempts: z.number(),
  /** HTTP status of the last attempt; null when there was no response. */
  response_status: z.number().nullable(),
  /** Why the last attempt failed. */
  error: z.string().nullable(),
  next_attempt_at: timestamp.nullable(),
  created_at: timestamp,
  delivered_at: timestamp.nullable(),
});

const webhookExample = {
  id: WEBHOOK,
  url: 'https://example.com/agentpay/webhooks',
  events: ['payment.completed'],
  status: 'active',
  created_at: '2026-05-08T12:00:00Z',
};
const deliveryExample = {
  id: DELIVERY,
  event_id: EVENT,
  type: 'payment.completed',
  status: 'delivered',
  attempts: 1,
  response_status: 200,
  error: null,
  next_attempt_at: null,
  created_at: '2026-05-08T12:00:00Z',
  delivered_at: '2026-05-08T12:00:01Z',
};
const secretExample = { ...webhookExample, secret: 'whsec_b3V0IG9mIHRoaXJ0eS10d28gcmFuZG9tIGJ5dGVzIQ==' };

/** POST /v1/webhooks */
export const create = Endpoint.from({
  summary:
    "Tells a URL of the agent's events from now on. The secret that signs the deliveries is shown this once.",
  method: 'POST',
  path: '/v1/webhooks',
  auth,
  demo: 'closed',
  body: z.object({
    url: httpUrl,
    events: z.array(line(textBounds.name)).min(1).max(numberBounds.webhookEvents),
  }),
  response: withSecret,
  status: 201,
  errors: ['conflict'],
  example: {
    body: { url: 'https://example.com/agentpay/webhooks', events: ['payment.completed'] },
    response: secretExample,
  },
});

/** GET /v1/webhooks */
export const list = Endpoint.from({
  summary: "Lists the agent's webhooks.",
  method: 'GET',
  path: '/v1/webhooks',
  auth,
  query: pageQuery,
  response: pageOf('webhooks', webhook),
  status: 200,
  example: { response: { webhooks: [webhookExample], total: 1 } },
});

/** GET /v1/webhooks/{webhook_id} */
export const get = Endpoint.from({
  summary: 'Reads a webhook.',
  method: 'GET',
  path: '/v1/webhooks/{webhook_id}',
  auth,
  params,
  response: webhook,
  status: 200,
  errors: ['webhook_not_found'],
  example: { params: { webhook_id: WEBHOOK }, response: webhookExample },
});

/** DELETE /v1/webhooks/{webhook_id} */
export const remove = Endpoint.from({
  summary: 'Tells a webhook nothing more.',
  method: 'DELETE',
  path: '/v1/webhooks/{webhook_id}',
  auth,
  demo: 'closed',
  params,
  response: z.object({ id: z.string(), status: z.string() }),
  status: 200,
  errors: ['webhook_not_found'],
  example: { params: { webhook_id: WEBHOOK }, response: { id: WEBHOOK, status: 'deleted' } },
});

/** POST /v1/webhooks/{webhook_id}/secret/rotate */
export const rotateSecret = Endpoint.from({
  summary:
    'Gives a webhook a new secret; the former one signs as well for 24 hours. Starts a disabled one again.',
  method: 'POST',
  path: '/v1/webhooks/{webhook_id}/secret/rotate',
  auth,
  demo: 'closed',
  params,
  response: withSecret,
  status: 200,
  errors: ['webhook_not_found', 'conflict'],
  example: { params: { webhook_id: WEBHOOK }, response: secretExample },
});

/** POST /v1/webhooks/{webhook_id}/test */
export const sendTest = Endpoint.from({
  summary: 'Sends an event of type webhook.test.',
  method: 'POST',
  path: '/v1/webhooks/{webhook_id}/test',
  auth,
  demo: 'closed',
  params,
  response: delivery,
  status: 200,
  errors: ['webhook_not_found', 'conflict'],
  example: {
    params: { webhook_id: WEBHOOK },
    response: {
      ...deliveryExample,
      type: 'webhook.test',
      status: 'pending',
      attempts: 0,
      response_status: null,
      next_attempt_at: '2026-05-08T12:00:00Z',
      delivered_at: null,
    },
  },
});

/** GET /v1/webhooks/{webhook_id}/deliveries */
export const deliveries = Endpoint.from({
  summary: 'Lists what was sent to a webhook, newest first.',
  method: 'GET',
  path: '/v1/webhooks/{webhook_id}/deliveries',
  auth,
  params,
  query: pageQuery,
  response: pageOf('deliveries', delivery),
  status: 200,
  errors: ['webhook_not_found'],
  example: { params: { webhook_id: WEBHOOK }, response: { deliveries: [deliveryExample], total: 1 } },
});

/** POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay */
export const replay = Endpoint.from({
  summary: 'Sends a delivery again, with the same event.',
  method: 'POST',
  path: '/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay',
  auth,
  demo: 'closed',
  params: z.object({ webhook_id: id('webhook'), delivery_id: id('delivery') }),
  response: delivery,
  status: 200,
  errors: ['webhook_not_found', 'delivery_not_found', 'conflict'],
  example: {
    params: { webhook_id: WEBHOOK, delivery_id: DELIVERY },
    response: {
      ...deliveryExample,
      status: 'pending',
      attempts: 0,
      next_attempt_at: '2026-05-08T12:00:00Z',
      delivered_at: null,
    },
  },
});
