import type { buyer } from '@agentpay/api';
import type { Calls } from '../world.js';
import { ownedAgent, write } from './buyers.js';

export const calls: Calls<typeof buyer.nouns.agents> = {
  create: () => ({}),
  list: () => ({}),
  get: async (world) => ({ params: { id: await ownedAgent(world) } }),
  setLimits: async (world) => ({ params: { id: await ownedAgent(world) } }),
  setAllowlist: async (world) => ({ params: { id: await ownedAgent(world) } }),
  async pay(world) {
    const id = await ownedAgent(world);
    const { key } = await write(world, 'post', `/api/agents/${id}/api-keys`);
    const body = { sellerUrl: `${world.api.url}/api/demo/seller` };
    return { params: { id }, body, headers: { 'x-agent-key': String(key) } };
  },
  testBuy: async (world) => ({ params: { id: await ownedAgent(world) } }),
  archive: async (world) => ({ params: { id: await ownedAgent(world) } }),
};
