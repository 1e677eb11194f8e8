import type { buyer } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { ownedAgent, write } from './buyers.js';

/** A payment of an owned agent that waits for its owner. */
async function waiting(world: World): Promise<{ id: string; approval_id: string }> {
  const { api } = world;
  const id = await ownedAgent(world);
  const { key } = await write(world, 'post', `/api/agents/${id}/api-keys`);
  const rule = { type: 'approval_over', params: { amount: '0.001' } };
  await write(world, 'post', `/api/agents/${id}/policy-rules`, rule);
  const { body } = await api.http
    .post(`/api/agents/${id}/pay`)
    .set('x-agent-key', String(key))
    .send({ sellerUrl: `${api.url}/api/demo/seller` })
    .expect(202);
  return { id, approval_id: (body as { approval_id: string }).approval_id };
}

export const calls: Calls<typeof buyer.nouns.approvals> = {
  list: async (world) => ({ params: { id: (await waiting(world)).id } }),
  get: async (world) => ({ params: await waiting(world) }),
  approve: async (world) => ({ params: await waiting(world) }),
  reject: async (world) => ({ params: await waiting(world) }),
};
