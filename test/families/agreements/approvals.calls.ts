import type { agreements } from '@agentpay/api';
import { asking } from './asking.js';
import type { Calls } from '../world.js';

export const calls: Calls<typeof agreements.nouns.approvals> = {
  async list(world) {
    const { agent } = await asking(world);
    return { params: { agent_id: agent.id }, headers: agent.auth };
  },
  async get(world) {
    const { agent, params } = await asking(world);
    return { params, headers: agent.auth };
  },
  approve: async (world) => ({ params: (await asking(world)).params }),
  reject: async (world) => ({ params: (await asking(world)).params }),
};
