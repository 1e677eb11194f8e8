import type { gateway } from '@agentpay/api';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Calls } from '../world.js';

export const calls: Calls<typeof gateway.nouns.fundings> = {
  create: () => ({}),
  async claim({ api, credential }) {
    const body = { name: 'Acme Gateway', callback_url: 'https://example.com/webhook' };
    const made = await api.http.post('/gateway/register').set(credential('gateway')).send(body).expect(200);
    const account = privateKeyToAccount(generatePrivateKey());
    const address = account.address.toLowerCase();
    const message = `AgentPay: gateway ${made.body.gateway_id} claims ${address}`;
    return { body: { address, signature: await account.signMessage({ message }) } };
  },
  async get({ api, credential }) {
    const body = { amount_usdc: '100.00', source: 'stripe' };
    const made = await api.http.post('/gateway/fund').set(credential('gateway')).send(body).expect(200);
    return { params: { funding_id: made.body.funding_id as string } };
  },
};
