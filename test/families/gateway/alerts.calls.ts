import { gateway } from '@agentpay/api';
import type { Calls, World } from '../world.js';

async function created({ api, credential }: World): Promise<{ params: { alert_id: string } }> {
  const { body } = await api.http
    .post('/alerts')
    .set(credential('developer'))
    .send(gateway.nouns.alerts.create.example.body)
    .expect(200);
  return { params: { alert_id: body.alert_id as string } };
}

export const calls: Calls<typeof gateway.nouns.alerts> = {
  create: () => ({}),
  list: () => ({}),
  delete: created,
};
