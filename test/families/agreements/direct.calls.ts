import type { agreements } from '@agentpay/api';
import { x402v2 } from '@agentpay/protocol';
import { newAgent, newService } from '../testApi.js';
import type { Calls, World } from '../world.js';

const BUYER = '0x857b06519E91e3A54538791bDbb0E22373e36b66';

/** A service whose seller can be paid on the chain. */
async function soldOnChain({ api, credential }: World): Promise<string> {
  return newService(api, await newAgent(api, { name: 'Seller', by: credential('session') }));
}

const asked = (service_id: string) => ({ amount_cents: '500', service_id, buyer_address: BUYER });

export const calls: Calls<typeof agreements.nouns.direct> = {
  requirements: async (world) => ({ query: asked(await soldOnChain(world)) }),
  async get(world) {
    const { api, agent, credential } = world;
    const service_id = await soldOnChain(world);
    const { body } = await api.http.get('/payment-requirements').query(asked(service_id)).expect(200);
    const { accepts } = (body as { payment: { accepts: [x402v2.PaymentRequirements] } }).payment;
    const [accepted] = accepts;
    const now = Math.floor(api.clock.now() / 1000);
    const authorization = {
      from: BUYER,
      to: accepted.payTo,
      value: accepted.amount,
      validAfter: '0',
      validBefore: String(now + 600),
      nonce: `0x${Buffer.from(service_id.slice(-26)).toString('hex').padStart(64, '0')}`,
    };
    const signature = `0x${'11'.repeat(65)}`;
    const payload = { signature, authorization };
    const purchase = {
      service_id,
      settlement_model: 'direct_payment',
      amount_cents: 500,
      payment_header: x402v2.encodePaymentPayload({ x402Version: 2, accepted, payload }),
      fee_permit: signature,
    };
    const made = await api.http.post('/usage-agreements').set(agent.auth).send(purchase).expect(201);
    const { agreement_id } = made.body as { agreement_id: string };
    return { params: { agreement_id }, headers: credential('agent') };
  },
};
