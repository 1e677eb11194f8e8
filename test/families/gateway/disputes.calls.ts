import type { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { newInvoice } from './invoices.calls.js';

async function opened(world: World): Promise<{ params: { dispute_id: string } }> {
  const { invoice_id } = (await newInvoice(world)).params;
  const { body } = await world.api.http
    .post('/disputes')
    .set(world.credential('developer'))
    .send({ invoice_id, reason: 'overcharge' })
    .expect(200);
  return { params: { dispute_id: body.dispute_id as string } };
}

export const calls: Calls<typeof gateway.nouns.disputes> = {
  create: async (world) => ({
    body: { invoice_id: (await newInvoice(world)).params.invoice_id, reason: 'overcharge' },
  }),
  list: () => ({}),
  listAll: () => ({}),
  resolve: opened,
};
