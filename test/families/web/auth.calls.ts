import type { web } from '@agentpay/api';
import { signedIn } from '../signedIn.js';
import type { Calls } from '../world.js';

export const calls: Calls<typeof web.nouns.auth> = {
  page: () => ({}),
  github: () => ({}),
  callback: () => ({}),
  develop: () => ({}),
  session: async ({ api }) => ({ headers: { cookie: (await signedIn(api)).cookie } }),
  csrf: async ({ api }) => ({ headers: { cookie: (await signedIn(api)).cookie } }),
  signout: async ({ api }) => ({ headers: { cookie: (await signedIn(api)).cookie } }),
};
