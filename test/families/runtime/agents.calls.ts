import type { runtime } from '@agentpay/api';
import { newAgent } from '../testApi.js';
import type { Calls } from '../world.js';

export const calls: Calls<typeof runtime.nouns.agents> = {
  create: () => ({}),
  list: () => ({}),
  get: ({ agent }) => ({ params: { agent_id: agent.id } }),
  async rotate({ api }) {
    const agent = await newAgent(api);
    return { params: { agent_id: agent.id }, headers: agent.auth };
  },
};
