import type { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { listed } from './listings.calls.js';

const quota = async (world: World) => ({
  body: { agent_id: await listed(world), quota_usdc: '50.00' },
  shared: true as const,
});

export const calls: Calls<typeof gateway.nouns.gateways> = {
  create: () => ({}),
  list: () => ({ query: {} }),
  register: () => ({}),
  balance: () => ({}),
  provision: quota,
  usage: () => ({ query: {} }),
  rotateKey: () => ({}),
  discover: () => ({ query: {} }),
  async tools(world) {
    const { body } = await quota(world);
    await world.api.http.post('/gateway/provision').set(world.credential('gateway')).send(body).expect(200);
    return {};
  },
};
