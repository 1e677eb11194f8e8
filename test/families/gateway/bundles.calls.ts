import type { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { listed } from './listings.calls.js';
import { newOrg } from './orgs.calls.js';

async function wanted(world: World): Promise<{ name: string; agent_ids: string[] }> {
  return { name: 'Starter', agent_ids: [await listed(world)] };
}

/** A bundle of the world's developer; gives its path. */
export async function newBundle(world: World): Promise<{ params: { bundle_id: string } }> {
  const { body } = await world.api.http
    .post('/bundles')
    .set(world.credential('developer'))
    .send(await wanted(world))
    .expect(200);
  return { params: { bundle_id: body.bundle_id as string } };
}

export const calls: Calls<typeof gateway.nouns.bundles> = {
  create: async (world) => ({ body: await wanted(world) }),
  list: () => ({}),
  get: newBundle,
  async subscribe(world) {
    const { org_id } = (await newOrg(world)).params;
    return { ...(await newBundle(world)), body: { org_id, plan: 'monthly' } };
  },
};
