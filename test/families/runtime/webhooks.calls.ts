import { runtime } from '@agentpay/api';
import type { Calls, World } from '../world.js';

async function one({ api, agent }: World): Promise<{ webhook_id: string }> {
  const body = { url: 'https://example.com/hook', events: ['payment.completed'] };
  const response = await api.http.post('/v1/webhooks').set(agent.auth).send(body).expect(201);
  return { webhook_id: (response.body as { id: string }).id };
}

async function sent(world: World): Promise<{ webhook_id: string; delivery_id: string }> {
  const params = await one(world);
  const { api, agent } = world;
  const response = await api.http.post(`/v1/webhooks/${params.webhook_id}/test`).set(agent.auth).expect(200);
  return { ...params, delivery_id: (response.body as { id: string }).id };
}

export const calls: Calls<typeof runtime.nouns.webhooks> = {
  create: () => ({}),
  list: () => ({}),
  get: async (world) => ({ params: await one(world) }),
  remove: async (world) => ({ params: await one(world) }),
  rotateSecret: async (world) => ({ params: await one(world) }),
  sendTest: async (world) => ({ params: await one(world) }),
  deliveries: async (world) => ({ params: await one(world), query: {} }),
  replay: async (world) => ({ params: await sent(world) }),
};
