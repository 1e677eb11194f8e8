import type { agreements } from '@agentpay/api';
import { ownedAgent } from '../buyer/buyers.js';
import type { Calls } from '../world.js';

export const calls: Calls<typeof agreements.nouns.policies> = {
  async get(world) {
    const agent_id = await ownedAgent(world);
    return { params: { agent_id }, headers: world.credential('session') };
  },
  put: async (world) => ({ params: { agent_id: await ownedAgent(world) } }),
};
