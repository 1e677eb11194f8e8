import type { gateway } from '@agentpay/api';
import { orgs } from '@agentpay/core';
import type { Calls, World } from '../world.js';
import { one } from './listings.calls.js';

/** A draft of a contract on one of the world's listings. */
async function drafted(world: World) {
  const { api, credential } = world;
  const { params } = await one(world);
  const { core } = api.composition;
  const { body: profile } = await api.http
    .get('/developers/profile')
    .set(credential('developer'))
    .expect(200);
  const party = { id: profile.id as string, kind: 'developer' } as const;
  const principal = { party, scopes: [], credentialId: 'test' };
  const org = await orgs.create(core, { principal, name: 'Acme Labs' });
  const body = { org_id: org.id, terms: 'standard' };
  return { params, body };
}

export const calls: Calls<typeof gateway.nouns.sla> = {
  get: one,
  report: async (world) => ({ ...(await one(world)), query: {} }),
  draftContract: drafted,
  async acceptContract(world) {
    const { params, body } = await drafted(world);
    const { body: draft } = await world.api.http
      .post(`/marketplace/agents/${params.agent_id}/sla-contract`)
      .set(world.credential('developer'))
      .send(body)
      .expect(200);
    return { params: { ...params, contract_id: draft.contract_id as string } };
  },
};
