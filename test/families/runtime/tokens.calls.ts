import type { runtime } from '@agentpay/api';
import { authorize, newAgent, newService } from '../testApi.js';
import type { Calls, World } from '../world.js';

/** A token that the world's agent bought, brought forward by its provider through these steps. */
async function bought({ api, agent }: World, ...steps: string[]) {
  const provider = await newAgent(api);
  const { token, token_id } = await authorize(api, agent, await newService(api, provider));
  for (const step of steps) {
    const path = step === 'verify' ? '/v1/x402/verify' : `/v1/x402/tokens/${token_id}/${step}`;
    await api.http
      .post(path)
      .set(provider.auth)
      .send(step === 'verify' ? { token } : {})
      .expect(200);
  }
  return { token, params: { token_id }, headers: provider.auth };
}

export const calls: Calls<typeof runtime.nouns.tokens> = {
  async verify(world) {
    const { token, headers } = await bought(world);
    return { body: { token }, headers };
  },
  callStarted: (world) => bought(world, 'verify'),
  callAccepted: (world) => bought(world, 'verify', 'call-started'),
  callFailed: (world) => bought(world, 'verify', 'call-started'),
  callCompleted: (world) => bought(world, 'verify', 'call-started', 'call-accepted'),
  async get(world) {
    return { params: (await bought(world)).params };
  },
  async cancel(world) {
    return { params: (await bought(world)).params };
  },
  requirements: () => ({}),
};
