import { buyer } from '@agentpay/api';
import type { Calls } from '../world.js';
import { ownedAgent, write } from './buyers.js';

export const calls: Calls<typeof buyer.nouns.webhooks> = {
  list: async (world) => ({ params: { id: await ownedAgent(world) } }),
  create: async (world) => ({ params: { id: await ownedAgent(world) }, body: hook }),
  async delete(world) {
    const id = await ownedAgent(world);
    const { id: webhook_id } = await write(world, 'post', `/api/agents/${id}/webhooks`, hook);
    return { params: { id, webhook_id } };
  },
};

const hook = {
  url: 'https://example.com/hook',
  events: ['payment.confirmed', 'payment.failed', 'payment.rejected'],
};
