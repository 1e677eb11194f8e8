import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { httpUrl, id, line, timestamp } from '../../resources/values.js';
import { AGENT, ofAgent, WEBHOOK } from './resources.js';

const auth = anyOf('session');
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
  response: z.object({ webhooks: z.array(webhook), total: z.number() }),
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
    events: z.array(line(textBounds.name), { error: 'must be a list' }).min(1).max(64),
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

const deleteWebhook = Endpoint.from({
  summary: 'Tells a webhook nothing more.',
  method: 'DELETE',
  path: '/api/agents/{id}/webhooks/{webhook_id}',
  auth,
  params: ofAgent.extend({ webhook_id: id('webhook') }),
  response: z.object({ id: z.string(), status: z.string() }),
  status: 200,
  errors: ['agent_not_found', 'webhook_not_found'],
  example: { params: { id: AGENT, webhook_id: WEBHOOK }, response: { id: WEBHOOK, status: 'deleted' } },
});

/** DELETE /api/agents/{id}/webhooks/{webhook_id} */
export { deleteWebhook as delete };
