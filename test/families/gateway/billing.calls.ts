import type { gateway } from '@agentpay/api';
import { billing, ledger, parties, wallets } from '@agentpay/core';
import { newId, systemRandom } from '@agentpay/primitives';
import type { Calls, World } from '../world.js';

/** An authorization of somebody whose money is there, for the gateway of the world; gives its id. */
async function authorized({ api, credential }: World): Promise<string> {
  const { core } = api.composition;
  const body = { name: 'Acme Gateway', callback_url: 'https://example.com/webhook' };
  const made = await api.http.post('/gateway/register').set(credential('gateway')).send(body).expect(200);
  const gatewayId = (made.body as { gateway_id: string }).gateway_id;
  return core.db.tx(async (tx) => {
    const payerId = newId('credential', { clock: core.clock, random: systemRandom });
    await parties.create(tx, { id: payerId, kind: 'user' });
    const wallet = await wallets.open(core, tx, { ownerId: payerId, currency: 'USDC' });
    const postings = ledger.movements.granted({ walletId: wallet.id, asset: 'USDC', amount: 12_000_000n });
    await ledger.post(core, tx, { key: payerId, kind: 'test.fund', postings });
    const of = { payerId, gatewayId, walletId: wallet.id, amount: 12_000_000n, memo: 'agent call' };
    return (await billing.authorize(core, tx, of)).id;
  });
}

export const calls: Calls<typeof gateway.nouns.billing> = {
  complete: async (world) => ({
    body: { authorization_id: await authorized(world), usage: { tokens: 1234 } },
  }),
};
