import { runtime } from '@agentpay/api';
import { newService } from '../testApi.js';
import type { Calls, World } from '../world.js';

let names = 0;
const one = async ({ api, stranger }: World) => ({ service_id: await newService(api, stranger) });

export const calls: Calls<typeof runtime.nouns.services> = {
  list: () => ({ query: {} }),
  create: () => ({ body: { ...runtime.nouns.services.create.example.body, name: `Called ${++names}` } }),
  get: async (world) => ({ params: await one(world), shared: true }),
  verifyProvider: async (world) => ({ params: await one(world) }),
  checkEndpoint: async ({ api, agent }) => ({
    params: { service_id: await newService(api, agent, { endpoint_url: 'https://seller.invalid/x' }) },
  }),
  sla: async (world) => ({ params: await one(world), shared: true }),
  authorize: async (world) => ({
    params: await one(world),
    body: { from_wallet_id: world.agent.wallet },
  }),
};
