import type { buyer } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { ownedAgent, write } from './buyers.js';

async function ofRule(world: World): Promise<{ id: string; rule_id: string }> {
  const id = await ownedAgent(world);
  const body = { type: 'max_amount', params: { amount: '1' } };
  return { id, rule_id: (await write(world, 'post', `/api/agents/${id}/policy-rules`, body)).id };
}

export const calls: Calls<typeof buyer.nouns.rules> = {
  list: async (world) => ({ params: { id: await ownedAgent(world) } }),
  create: async (world) => ({ params: { id: await ownedAgent(world) } }),
  preview: async (world) => ({ params: { id: await ownedAgent(world) } }),
  update: async (world) => ({ params: await ofRule(world) }),
  delete: async (world) => ({ params: await ofRule(world) }),
};
