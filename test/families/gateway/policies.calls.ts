import { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { newOrg } from './orgs.calls.js';

async function created(world: World): Promise<{ params: { org_id: string; policy_id: string } }> {
  const { params } = await newOrg(world);
  const { body } = await world.api.http
    .post(`/orgs/${params.org_id}/policies`)
    .set(world.credential('developer'))
    .send(gateway.nouns.policies.create.example.body)
    .expect(200);
  return { params: { ...params, policy_id: body.policy_id as string } };
}

const ofOrg = async (world: World) => ({ params: { org_id: (await created(world)).params.org_id } });

export const calls: Calls<typeof gateway.nouns.policies> = {
  create: newOrg,
  list: ofOrg,
  logs: ofOrg,
  delete: created,
};
