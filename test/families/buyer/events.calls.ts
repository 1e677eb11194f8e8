import type { buyer } from '@agentpay/api';
import type { Calls } from '../world.js';
import { ownedAgent } from './buyers.js';

export const calls: Calls<typeof buyer.nouns.events> = {
  stream: async (world) => ({ params: { id: await ownedAgent(world) }, query: { seconds: '0' } }),
};
