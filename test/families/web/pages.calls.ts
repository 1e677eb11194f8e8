import type { web } from '@agentpay/api';
import { signedIn } from '../signedIn.js';
import type { Calls } from '../world.js';

export const calls: Calls<typeof web.nouns.pages> = {
  signin: () => ({}),
  script: () => ({}),
  dashboard: async ({ api }) => ({ headers: { cookie: (await signedIn(api)).cookie } }),
  async agent({ api }) {
    const { writes } = await signedIn(api);
    const response = await api.http.post('/api/agents').set(writes).send({ name: 'Shown' }).expect(201);
    return { params: { id: (response.body as { id: string }).id }, headers: { cookie: writes.cookie } };
  },
};
