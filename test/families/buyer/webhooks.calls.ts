import type { buyer } from '@agentpay/api';
import { webhooks } from '@agentpay/core';
import type { Calls, World } from '../world.js';
import { ownedAgent, write } from './buyers.js';

export const calls: Calls<typeof buyer.nouns.webhooks> = {
  list: async (world) => ({ params: { id: await ownedAgent(world) } }),
  create: async (world) => ({ params: { id: await ownedAgent(world) }, body: hook }),
  delete: async (world) => ({ params: await ofWebhook(world) }),
  deliveries: async (world) => ({ params: await ofWebhook(world) }),
  async replay(world) {
    const params = await ofWebhook(world);
    const { id, webhook_id: webhookId } = params;
    const principal = { party: { id, kind: 'agent' }, scopes: [], credentialId: 'none' } as const;
    const { id: delivery_id } = await webhooks.sendTest(world.api.composition.core, { principal, webhookId });
    return { params: { ...params, delivery_id } };
  },
};

async function ofWebhook(world: World): Promise<{ id: string; webhook_id: string }> {
  const id = await ownedAgent(world);
  const { id: webhook_id } = await write(world, 'post', `/api/agents/${id}/webhooks`, hook);
  return { id, webhook_id };
}

const hook = {
  url: 'https://example.com/hook',
  events: ['payment.confirmed', 'payment.failed', 'payment.rejected'],
};
