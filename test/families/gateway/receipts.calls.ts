import type { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { newInvoice } from './invoices.calls.js';

async function received(world: World): Promise<{ params: { receipt_id: string } }> {
  const { invoice_id } = (await newInvoice(world)).params;
  const { api, credential } = world;
  await api.http
    .post(`/invoices/${invoice_id}/mark-paid`)
    .set(credential('admin'))
    .send({ note: 'paid via ACH' })
    .expect(200);
  const { body } = await api.http.get('/receipts').set(credential('developer')).expect(200);
  const found = (body as { receipts: { id: string; invoice_id: string }[] }).receipts;
  return { params: { receipt_id: found.find((each) => each.invoice_id === invoice_id)?.id as string } };
}

export const calls: Calls<typeof gateway.nouns.receipts> = { list: () => ({}), get: received, pdf: received };
