import { runtime } from '@agentpay/api';
import type { Calls, World } from '../world.js';

const body = ({ agent }: World) => ({
  ...runtime.nouns.payouts.create.example.body,
  from_wallet_id: agent.wallet,
  amount: 0.5,
});

async function created(world: World): Promise<{ params: { payout_id: string } }> {
  const { api, agent } = world;
  const response = await api.http.post('/v1/payouts').set(agent.auth).send(body(world)).expect(201);
  return { params: { payout_id: response.body.id as string } };
}

export const calls: Calls<typeof runtime.nouns.payouts> = {
  create: (world) => ({ body: body(world) }),
  list: () => ({ query: {} }),
  get: created,
  cancel: created,
};
