import type { buyer } from '@agentpay/api';
import type { Calls } from '../world.js';
import { ownedAgent, write } from './buyers.js';

export const calls: Calls<typeof buyer.nouns.keys> = {
  create: async (world) => ({ params: { id: await ownedAgent(world) } }),
  list: async (world) => ({ params: { id: await ownedAgent(world) } }),
  async revoke(world) {
    const id = await ownedAgent(world);
    return { params: { id, key_id: (await write(world, 'post', `/api/agents/${id}/api-keys`)).id } };
  },
};
