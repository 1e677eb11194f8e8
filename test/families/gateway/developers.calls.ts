import type { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { earned } from './earned.js';

async function registered({ api }: World): Promise<{ params: { developer_id: string } }> {
  const body = { email: 'dev@example.com', name: 'Dev Co' };
  const response = await api.http.post('/developers/register').send(body).expect(200);
  return { params: { developer_id: response.body.developer_id as string } };
}

export const calls: Calls<typeof gateway.nouns.developers> = {
  register: () => ({}),
  list: () => ({ query: {} }),
  approve: registered,
  suspend: registered,
  profile: () => ({}),
  rotateKey: () => ({}),
  dashboard: () => ({}),
  earnings: () => ({ query: { month: '2026-05' } }),
  setPayoutAccount: () => ({}),
  async payout(world) {
    await earned(world, 400_000_000n);
    return {};
  },
  payouts: () => ({ query: {} }),
};
