import type { runtime } from '@agentpay/api';
import { newAgent } from '../testApi.js';
import type { Calls, World } from '../world.js';

/** A payment of 1 from the agent to somebody new; gives its id and who was paid. */
async function paid({ api, agent }: World) {
  const payee = await newAgent(api);
  const body = { from_wallet_id: agent.wallet, to_wallet_id: payee.wallet, amount: 1 };
  const response = await api.http.post('/v1/payments').set(agent.auth).send(body).expect(201);
  return { payee, id: response.body.id as string };
}

export const calls: Calls<typeof runtime.nouns.payments> = {
  create: ({ agent }) => ({
    body: { from_wallet_id: agent.wallet, to_external: 'merchant:demo', amount: 0.5 },
  }),
  get: async (world) => ({ params: { payment_id: (await paid(world)).id } }),
  list: () => ({}),
  async refund(world) {
    const back = { from_wallet_id: world.agent.wallet, amount: 1 };
    const payer = await newAgent(world.api, { funds: 5 });
    const body = { ...back, from_wallet_id: payer.wallet, to_wallet_id: world.agent.wallet };
    const response = await world.api.http.post('/v1/payments').set(payer.auth).send(body).expect(201);
    return { params: { payment_id: response.body.id as string }, body: { amount: 0.25 } };
  },
};
