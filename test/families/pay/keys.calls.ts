import type { pay } from '@agentpay/api';
import type { Calls } from '../world.js';

export const calls: Calls<typeof pay.nouns.keys> = {
  create: () => ({}),
  list: () => ({}),
  async delete({ api, credential }) {
    const { body } = await api.http.post('/v1/keys').set(credential('session')).send({}).expect(201);
    return { params: { key_id: (body as { id: string }).id } };
  },
};
