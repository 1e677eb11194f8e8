import type { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';

/** A listing of the world's developer that can be called; gives its id. */
export async function listed({ api, credential }: World, fields: object = {}): Promise<string> {
  const body = {
    name: 'DataBot',
    category: 'analytics',
    endpoint_url: 'https://agent.example/run',
    methods: [{ name: 'summarize', price_usdc: '0.01' }],
    ...fields,
  };
  const created = await api.http
    .post('/marketplace/agents')
    .set(credential('developer'))
    .send(body)
    .expect(200);
  const id = created.body.agent_id as string;
  await api.http.post(`/admin/marketplace/agents/${id}/approve`).set(credential('admin')).expect(200);
  return id;
}

/** The path of such a listing. */
export const one = async (world: World) => ({ params: { agent_id: await listed(world) } });

export const calls: Calls<typeof gateway.nouns.listings> = {
  list: () => ({ query: {} }),
  create: () => ({}),
  get: one,
  update: one,
  approve: one,
  suspend: one,
};
