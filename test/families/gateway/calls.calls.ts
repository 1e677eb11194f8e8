import type { gateway } from '@agentpay/api';
import { gateways, identity, ledger } from '@agentpay/core';
import type { Calls, World } from '../world.js';
import { listed } from './listings.calls.js';

/** Gives the world's gateway money. */
export async function funded({ api, credential }: World, amount = 100_000_000n): Promise<void> {
  const { core } = api.composition;
  const secret = credential('gateway')['x-gateway-key'] as string;
  const principal = await identity.authenticate(core, { accepts: ['gateway'], secret });
  const { walletId } = await gateways.self(core.db, principal as identity.Principal<'gateway'>);
  const postings = ledger.movements.faucetFund({ walletId, asset: 'USDC', amount });
  const key = `test:${core.random.bytes(8).join('')}`;
  await core.db.tx((tx) => ledger.post(core, tx, { key, kind: 'test.funded', postings }));
}

/** The body of a call that the world's gateway has money and quota for. */
async function callable(world: World) {
  await funded(world);
  const agent_id = await listed(world);
  await world.api.http
    .post('/gateway/provision')
    .set(world.credential('gateway'))
    .send({ agent_id, quota_usdc: '50.00' })
    .expect(200);
  return { agent_id, input: { task: 'summarize' }, max_price_usdc: '1.00' };
}

export const calls: Calls<typeof gateway.nouns.calls> = {
  create: async (world) => ({ body: await callable(world) }),
  async get(world) {
    const made = await world.api.http
      .post('/gateway/call')
      .set(world.credential('gateway'))
      .send(await callable(world))
      .expect(200);
    return { params: { call_id: made.body.call_id as string }, query: {} };
  },
  list: () => ({ query: {} }),
};
