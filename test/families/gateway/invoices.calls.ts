import type { gateway } from '@agentpay/api';
import { ledger, wallets, type Core } from '@agentpay/core';
import { newId, systemRandom } from '@agentpay/primitives';
import type { Calls, World } from '../world.js';

async function developerId({ api, credential }: World): Promise<string> {
  const { body } = await api.http.get('/developers/profile').set(credential('developer')).expect(200);
  return body.id as string;
}

/** An invoice of the world's developer. */
export async function newInvoice(world: World): Promise<{ params: { invoice_id: string } }> {
  const { body } = await world.api.http
    .post('/admin/invoices')
    .set(world.credential('admin'))
    .send({ developer_id: await developerId(world), amount_usdc: '12.00' })
    .expect(201);
  return { params: { invoice_id: body.invoice_id as string } };
}

export const calls: Calls<typeof gateway.nouns.invoices> = {
  list: () => ({}),
  get: newInvoice,
  pdf: newInvoice,
  async pay(world) {
    const { core } = world.api.composition;
    await earn(core, await developerId(world));
    return newInvoice(world);
  },
  markPaid: newInvoice,
  create: async (world) => ({ body: { developer_id: await developerId(world), amount_usdc: '12.00' } }),
};

async function earn(core: Core, ownerId: string): Promise<void> {
  const wallet = await wallets.ofCurrency(core.db, { ownerId, currency: 'USDC' });
  const walletId = wallet?.id as string;
  const key = newId('grant', { clock: core.clock, random: systemRandom });
  const postings = ledger.movements.granted({ walletId, asset: 'USDC', amount: 12_000_000n });
  await core.db.tx((tx) => ledger.post(core, tx, { key, kind: 'test.earnings', postings }));
}
