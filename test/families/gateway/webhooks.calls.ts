import { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';

async function created({ api, credential }: World): Promise<{ params: { webhook_id: string } }> {
  const { body } = await api.http
    .post('/webhooks')
    .set(credential('developer'))
    .send(gateway.nouns.webhooks.create.example.body)
    .expect(200);
  return { params: { webhook_id: body.webhook_id as string } };
}

export const calls: Calls<typeof gateway.nouns.webhooks> = {
  create: () => ({}),
  list: () => ({}),
  delete: created,
};
