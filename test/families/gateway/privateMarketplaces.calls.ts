import type { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { listed } from './listings.calls.js';
import { newOrg } from './orgs.calls.js';

async function created(world: World): Promise<{ params: { org_id: string; pm_id: string } }> {
  const { params } = await newOrg(world);
  const { body } = await world.api.http
    .post(`/orgs/${params.org_id}/private-marketplaces`)
    .set(world.credential('developer'))
    .send({ name: 'Acme Internal' })
    .expect(200);
  return { params: { ...params, pm_id: body.marketplace_id as string } };
}

export const calls: Calls<typeof gateway.nouns.privateMarketplaces> = {
  create: newOrg,
  list: newOrg,
  async addAgent(world) {
    const agent_id = await listed(world);
    return { ...(await created(world)), body: { agent_id } };
  },
  agents: created,
};
