import { buyer } from '@agentpay/api';
import { agents, eventTypes, webhooks, type Core, type Principal } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

const known = eventTypes.map(({ name }) => name);

export const handlers = implement(buyer.nouns.webhooks, ({ core }) => ({
  async list({ principal, params, query }) {
    const agent = await asAgent(core, principal, params.id);
    const page = await webhooks.list(core, { ...agent, ...query });
    return { webhooks: page.webhooks.map(show), ...counted(page) };
  },
  async create({ principal, params, body }) {
    const agent = await asAgent(core, principal, params.id);
    const { webhook, secret } = await webhooks.create(core, { ...agent, ...body, known });
    return { ...show(webhook), secret };
  },
  async delete({ principal, params: { id, webhook_id: webhookId } }) {
    await webhooks.remove(core, { ...(await asAgent(core, principal, id)), webhookId });
    return { id: webhookId, status: 'deleted' };
  },
  async deliveries({ principal, params: { id, webhook_id: webhookId }, query }) {
    const request = { ...(await asAgent(core, principal, id)), webhookId, ...query };
    const { deliveries, ...page } = await webhooks.listDeliveries(core, request);
    return { deliveries: deliveries.map(showDelivery), ...counted(page) };
  },
  async replay({ principal, params: { id, webhook_id: webhookId, delivery_id: deliveryId } }) {
    const request = { ...(await asAgent(core, principal, id)), webhookId, deliveryId };
    return showDelivery(await webhooks.replay(core, request));
  },
}));

/** Webhooks are the agent's; its owner sees to them. */
async function asAgent(core: Core, principal: Principal, agentId: string) {
  return { principal: await agents.actFor(core.db, { principal, agentId }) };
}

function show({ id, url, events, status, createdAt }: webhooks.Webhook) {
  return { id, url, events: [...events], status, createdAt };
}

function showDelivery({
  id,
  eventId,
  type,
  attempts,
  createdAt,
  deliveredAt,
  ...delivery
}: webhooks.Delivery) {
  const { state: status, lastStatus: responseStatus, lastError: error, nextAt: nextAttemptAt } = delivery;
  return {
    id,
    eventId,
    type,
    status,
    attempts,
    responseStatus,
    error,
    nextAttemptAt,
    createdAt,
    deliveredAt,
  };
}
