import { gateway } from '@agentpay/api';
import { eventTypes, webhooks } from '@agentpay/core';
import { implement } from '../../http/implement.js';

const known = eventTypes.map(({ name }) => name);

export const handlers = implement(gateway.nouns.webhooks, ({ core }) => ({
  async create({ principal, body }) {
    const { webhook, secret } = await webhooks.create(core, { principal, ...body, known });
    return { webhook_id: webhook.id, status: webhook.status, secret };
  },
  async list({ principal }) {
    const found = await webhooks.listAll(core, { principal });
    return {
      webhooks: found.map(({ id, url, events, status, createdAt }) => ({
        id,
        url,
        events: [...events],
        status,
        created_at: createdAt,
      })),
    };
  },
  async delete({ principal, params }) {
    await webhooks.remove(core, { principal, webhookId: params.webhook_id });
    return { status: 'deleted' };
  },
}));
