import type { gateway } from '@agentpay/api';
import type { Calls } from '../world.js';
import { one } from './listings.calls.js';

export const calls: Calls<typeof gateway.nouns.certifications> = {
  apply: one,
  list: () => ({}),
  async decide(world) {
    const { params } = await one(world);
    await world.api.http
      .post(`/marketplace/agents/${params.agent_id}/certifications`)
      .set(world.credential('developer'))
      .send({ certification: 'SOC2' })
      .expect(200);
    return { params };
  },
};
