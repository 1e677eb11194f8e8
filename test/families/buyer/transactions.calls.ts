import type { buyer } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { ownedAgent } from './buyers.js';

/** An agent of the user, who got its Bearer key with it. */
async function newAgent({ api, credential }: World, name: string) {
  const made = await api.http.post('/v1/agents').set(credential('session')).send({ name }).expect(201);
  return made.body as Record<'id' | 'api_key' | 'wallet_id', string>;
}

/** A payment from one agent of the user to another. */
export async function paidBetween(
  world: World,
): Promise<Record<'payer' | 'payee' | 'transaction_id', string>> {
  const { http } = world.api;
  const [payer, payee] = [await newAgent(world, 'Payer'), await newAgent(world, 'Payee')];
  const auth = { authorization: `Bearer ${payer.api_key}` };
  const funds = { amount: 5, source: 'test_faucet' };
  await http.post(`/v1/wallets/${payer.wallet_id}/fund`).set(auth).send(funds).expect(200);
  const body = { from_wallet_id: payer.wallet_id, to_wallet_id: payee.wallet_id, amount: 1 };
  const payment = await http.post('/v1/payments').set(auth).send(body).expect(201);
  return { payer: payer.id, payee: payee.id, transaction_id: (payment.body as { id: string }).id };
}

export const calls: Calls<typeof buyer.nouns.transactions> = {
  list: async (world) => ({ params: { id: await ownedAgent(world) } }),
  async get(world) {
    const { payer: id, transaction_id } = await paidBetween(world);
    return { params: { id, transaction_id } };
  },
  async refund(world) {
    const { payee: id, transaction_id } = await paidBetween(world);
    return { params: { id, transaction_id } };
  },
  async dispute(world) {
    const { payer: id, transaction_id } = await paidBetween(world);
    return { params: { id, transaction_id }, body: { reason: 'service_not_delivered' } };
  },
};
