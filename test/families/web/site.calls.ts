import type { web } from '@agentpay/api';
import type { Calls } from '../world.js';

export const calls: Calls<typeof web.nouns.site> = {
  home: () => ({}),
  integrations: () => ({}),
  explorer: () => ({}),
  ops: () => ({}),
};
