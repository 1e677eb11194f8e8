import type { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';

/** An organization of the world's developer. */
export async function newOrg({ api, credential }: World): Promise<{ params: { org_id: string } }> {
  const body = { name: 'Acme Labs' };
  const response = await api.http.post('/orgs').set(credential('developer')).send(body).expect(200);
  return { params: { org_id: response.body.org_id as string } };
}

async function invited(world: World) {
  const { params } = await newOrg(world);
  const { body } = await world.api.http
    .post(`/orgs/${params.org_id}/members`)
    .set(world.credential('developer'))
    .send({ email: 'dev@example.com', role: 'admin' })
    .expect(200);
  const token = new URL(body.invite_url as string).searchParams.get('token') as string;
  return { params: { ...params, member_id: body.member_id as string }, token };
}

export const calls: Calls<typeof gateway.nouns.orgs> = {
  create: () => ({}),
  list: () => ({}),
  get: newOrg,
  invite: newOrg,
  members: newOrg,
  removeMember: async (world) => ({ params: (await invited(world)).params }),
  invitation: async (world) => ({ query: { token: (await invited(world)).token } }),
  accept: async (world) => ({
    body: { token: (await invited(world)).token },
    headers: world.foreign('developer'),
  }),
};
