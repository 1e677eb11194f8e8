import type { buyer } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { paidBetween } from './transactions.calls.js';

/** A payment that the payer's owner has disputed. */
async function disputed(world: World): Promise<{ params: Record<'id' | 'transaction_id', string> }> {
  const { payer: id, transaction_id } = await paidBetween(world);
  await world.api.http
    .post(`/api/agents/${id}/transactions/${transaction_id}/dispute`)
    .set(world.credential('session'))
    .send({ reason: 'service_not_delivered' })
    .expect(201);
  return { params: { id, transaction_id } };
}

export const calls: Calls<typeof buyer.nouns.disputes> = {
  get: disputed,
  addEvidence: disputed,
  withdraw: disputed,
};
