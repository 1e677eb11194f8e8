import { runtime } from '@agentpay/api';
import { eventTypes, webhooks } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

const known = eventTypes.map(({ name }) => name);

export const handlers = implement(runtime.nouns.webhooks, ({ core }) => ({
  create: async ({ principal, body }) => showNew(await webhooks.create(core, { principal, ...body, known })),
  async list({ principal, query }) {
    const page = await webhooks.list(core, { principal, ...query });
    return { webhooks: page.webhooks.map(show), ...counted(page) };
  },
  get: async ({ principal, params }) =>
    show(await webhooks.get(core, { principal, webhookId: params.webhook_id })),
  async remove({ principal, params }) {
    await webhooks.remove(core, { principal, webhookId: params.webhook_id });
    return { id: params.webhook_id, status: 'deleted' };
  },
  rotateSecret: async ({ principal, params }) =>
    showNew(await webhooks.rotateSecret(core, { principal, webhookId: params.webhook_id })),
  sendTest: async ({ principal, params }) =>
    showDelivery(await webhooks.sendTest(core, { principal, webhookId: params.webhook_id })),
  async deliveries({ principal, params, query }) {
    const request = { principal, webhookId: params.webhook_id, ...query };
    const { deliveries, ...page } = await webhooks.listDeliveries(core, request);
    return { deliveries: deliveries.map(showDelivery), ...counted(page) };
  },
  replay: async ({ principal, params: { webhook_id: webhookId, delivery_id: deliveryId } }) =>
    showDelivery(await webhooks.replay(core, { principal, webhookId, deliveryId })),
}));

function show({ id, url, events, status, createdAt }: webhooks.Webhook) {
  return { id, url, events: [...events], status, created_at: createdAt };
}

function showNew({ webhook, secret }: webhooks.NewWebhook) {
  return { ...show(webhook), secret };
}

function showDelivery(delivery: webhooks.Delivery) {
  return {
    id: delivery.id,
    event_id: delivery.eventId,
    type: delivery.type,
    status: delivery.state,
    attempts: delivery.attempts,
    response_status: delivery.lastStatus,
    error: delivery.lastError,
    next_attempt_at: delivery.nextAt,
    created_at: delivery.createdAt,
    delivered_at: delivery.deliveredAt,
  };
}
