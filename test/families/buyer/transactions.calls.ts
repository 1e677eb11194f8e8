import type { buyer } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { ownedAgent } from './buyers.js';

/** A payment of an agent that the user made with its Bearer key in hand. */
async function paid({ api, credential }: World): Promise<{ id: string; transaction_id: string }> {
  const made = await api.http
    .post('/v1/agents')
    .set(credential('session'))
    .send({ name: 'Payer' })
    .expect(201);
  const { id, api_key, wallet_id } = made.body as Record<'id' | 'api_key' | 'wallet_id', string>;
  const auth = { authorization: `Bearer ${api_key}` };
  const funds = { amount: 5, source: 'test_faucet' };
  await api.http.post(`/v1/wallets/${wallet_id}/fund`).set(auth).send(funds).expect(200);
  const body = { from_wallet_id: wallet_id, to_external: 'merchant:demo', amount: 1 };
  const payment = await api.http.post('/v1/payments').set(auth).send(body).expect(201);
  return { id, transaction_id: (payment.body as { id: string }).id };
}

export const calls: Calls<typeof buyer.nouns.transactions> = {
  list: async (world) => ({ params: { id: await ownedAgent(world) } }),
  get: async (world) => ({ params: await paid(world) }),
};
