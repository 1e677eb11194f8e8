import type { runtime } from '@agentpay/api';
import type { Calls, World } from '../world.js';

/** A rule for the agent; gives its id. */
async function ruleOf({ api, agent, credential }: World): Promise<string> {
  const body = { agent_id: agent.id, kind: 'daily', amount: 1000 };
  const response = await api.http.post('/v1/policies').set(credential('admin')).send(body).expect(201);
  return response.body.id as string;
}

export const calls: Calls<typeof runtime.nouns.policies> = {
  evaluate: ({ agent }) => ({
    body: { from_wallet_id: agent.wallet, to_external: 'merchant:demo', amount: 1 },
  }),
  list: () => ({}),
  create: ({ agent }) => ({ body: { agent_id: agent.id, kind: 'max_amount', amount: 1000 } }),
  replace: async (world) => ({
    params: { rule_id: await ruleOf(world) },
    body: { kind: 'daily', amount: 2000 },
  }),
  remove: async (world) => ({ params: { rule_id: await ruleOf(world) } }),
};
