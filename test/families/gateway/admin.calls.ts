import type { gateway } from '@agentpay/api';
import type { Calls } from '../world.js';
import { newOrg } from './orgs.calls.js';

export const calls: Calls<typeof gateway.nouns.admin> = {
  tools: () => ({}),
  reconcile: () => ({}),
  replay: () => ({}),
  adopt: () => ({}),
  wallets: () => ({}),
  stats: () => ({}),
  grant: async (world) => {
    const { org_id } = (await newOrg(world)).params;
    return { body: { org_id, amount_usdc: '500.00' } };
  },
  grants: () => ({ query: {} }),
  reliability: () => ({}),
};
