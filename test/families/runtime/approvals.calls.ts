import type { runtime } from '@agentpay/api';
import { newAgent } from '../testApi.js';
import type { Calls, World } from '../world.js';

/** A payment that waits for approval; gives the id of the approval and who asked for it. */
async function asked({ api, credential }: World) {
  const payer = await newAgent(api, { funds: 5 });
  const rule = { agent_id: payer.id, kind: 'approval_over', amount: 1 };
  await api.http.post('/v1/policies').set(credential('admin')).send(rule).expect(201);
  const body = { from_wallet_id: payer.wallet, to_external: 'merchant:demo', amount: 2 };
  const refused = await api.http.post('/v1/payments').set(payer.auth).send(body).expect(403);
  return { payer, params: { approval_id: refused.body.error.details.approval_id as string } };
}

export const calls: Calls<typeof runtime.nouns.approvals> = {
  list: () => ({}),
  async get(world) {
    const { payer, params } = await asked(world);
    return { params, headers: payer.auth };
  },
  approve: async (world) => ({ params: (await asked(world)).params }),
  reject: async (world) => ({ params: (await asked(world)).params }),
};
