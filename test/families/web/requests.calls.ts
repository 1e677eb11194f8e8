import type { web } from '@agentpay/api';
import type { Calls } from '../world.js';

export const calls: Calls<typeof web.nouns.requests> = {
  list: () => ({}),
  async get({ api, credential }) {
    const sent = await api.http
      .post('/v1/agents')
      .set(credential('agent'))
      .send({ name: 'Kept' })
      .expect(201);
    return { params: { id: sent.headers['x-request-id'] as string } };
  },
};
