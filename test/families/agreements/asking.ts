import { newAgent, newService, type TestAgent } from '../testApi.js';
import type { World } from '../world.js';

/** An agent of the user whose session the world has, which may agree on 1.00 without asking. */
export async function governedAgent(
  { api, credential }: Pick<World, 'api' | 'credential'>,
  policies: object = { require_approval_over: '1.00' },
): Promise<TestAgent> {
  const agent = await newAgent(api, { by: credential('session'), funds: 100 });
  await api.http.put(`/agents/${agent.id}/policies`).set(credential('session')).send(policies).expect(200);
  return agent;
}

/** An agreement that waits for the owner of its buyer. */
export async function asking(world: Pick<World, 'api' | 'credential'>) {
  const agent = await governedAgent(world);
  const seller = await newAgent(world.api);
  const service_id = await newService(world.api, seller);
  const proposal = { service_id, terms: { cap: '2.00' } };
  const { body } = await world.api.http.post('/usage-agreements').set(agent.auth).send(proposal).expect(202);
  const { agreement_id: id, request_id } = body as { agreement_id: string; request_id: string };
  return { agent, seller, id, params: { agent_id: agent.id, request_id } };
}
