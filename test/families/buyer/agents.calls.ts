import type { buyer } from '@agentpay/api';
import type { Calls } from '../world.js';
import { ownedAgent } from './buyers.js';

export const calls: Calls<typeof buyer.nouns.agents> = {
  create: () => ({}),
  list: () => ({}),
  get: async (world) => ({ params: { id: await ownedAgent(world) } }),
  setLimits: async (world) => ({ params: { id: await ownedAgent(world) } }),
  setAllowlist: async (world) => ({ params: { id: await ownedAgent(world) } }),
  archive: async (world) => ({ params: { id: await ownedAgent(world) } }),
};
