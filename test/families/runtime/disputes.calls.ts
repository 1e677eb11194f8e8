import type { runtime } from '@agentpay/api';
import type { Calls, World } from '../world.js';

async function paid({ api, agent }: World): Promise<string> {
  const body = { from_wallet_id: agent.wallet, to_external: 'merchant:demo', amount: 0.5 };
  const response = await api.http.post('/v1/payments').set(agent.auth).send(body).expect(201);
  return response.body.id as string;
}

async function opened(world: World): Promise<{ params: { dispute_id: string } }> {
  const body = { payment_id: await paid(world), reason: 'incorrect_amount' };
  const { api, agent } = world;
  const response = await api.http.post('/v1/disputes').set(agent.auth).send(body).expect(201);
  return { params: { dispute_id: response.body.id as string } };
}

export const calls: Calls<typeof runtime.nouns.disputes> = {
  create: async (world) => ({ body: { payment_id: await paid(world), reason: 'service_not_delivered' } }),
  list: () => ({ query: {} }),
  get: opened,
  addEvidence: opened,
  withdraw: opened,
  review: opened,
  resolve: opened,
};
