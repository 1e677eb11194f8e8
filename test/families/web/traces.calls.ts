import type { web } from '@agentpay/api';
import type { Calls } from '../world.js';

export const calls: Calls<typeof web.nouns.traces> = {
  async get({ api, agent, credential }) {
    const order = { from_wallet_id: agent.wallet, to_external: 'shop', amount: 1 };
    const made = await api.http.post('/v1/payments').set(credential('agent')).send(order).expect(201);
    return { params: { object_id: (made.body as { id: string }).id } };
  },
};
