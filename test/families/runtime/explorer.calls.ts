import type { runtime } from '@agentpay/api';
import type { Calls, World } from '../world.js';

async function invited({ api, credential }: World) {
  const { body } = await api.http.post('/v1/explorer/invites').set(credential('explorer')).expect(201);
  return { body: { invite: (body as { invite: string }).invite } };
}

export const calls: Calls<typeof runtime.nouns.explorer> = {
  open: () => ({}),
  session: () => ({}),
  renew: () => ({}),
  invite: () => ({}),
  exchange: invited,
};
