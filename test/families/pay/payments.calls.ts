import type { pay } from '@agentpay/api';
import { baseSepolia } from '@agentpay/primitives';
import { toBase64 } from '@agentpay/protocol';
import type { Calls } from '../world.js';

const { id, usdc } = baseSepolia;
const url = 'https://api.example.com/resource';

/** The header of a 402 that asks for a cent. */
export const paymentRequired = toBase64({
  x402Version: 2,
  resource: { url },
  accepts: [
    {
      scheme: 'exact',
      network: id,
      amount: '10000',
      asset: usdc.address,
      payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
      maxTimeoutSeconds: 60,
      extra: { ...usdc.eip712 },
    },
  ],
});

export const calls: Calls<typeof pay.nouns.payments> = {
  async create({ api, credential }) {
    await api.http.post('/v1/wallets').set(credential('apiKey')).send({ network: id }).expect(201);
    return { body: { paymentRequired, url } };
  },
};
