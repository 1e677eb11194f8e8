import { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';

async function created({ api, credential }: World): Promise<{ params: { subscription_id: string } }> {
  const { body } = await api.http
    .post('/subscriptions')
    .set(credential('developer'))
    .send(gateway.nouns.subscriptions.create.example.body)
    .expect(200);
  return { params: { subscription_id: body.subscription_id as string } };
}

export const calls: Calls<typeof gateway.nouns.subscriptions> = {
  create: () => ({}),
  list: () => ({}),
  setSeats: created,
  delete: created,
};
