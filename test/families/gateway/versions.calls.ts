import type { gateway } from '@agentpay/api';
import type { Calls } from '../world.js';
import { one } from './listings.calls.js';

export const calls: Calls<typeof gateway.nouns.versions> = {
  list: async (world) => ({ ...(await one(world)), query: {} }),
  add: one,
};
