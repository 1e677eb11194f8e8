import type { gateway } from '@agentpay/api';
import type { Calls } from '../world.js';
import { newBundle } from './bundles.calls.js';
import { one } from './listings.calls.js';

export const calls: Calls<typeof gateway.nouns.pages> = {
  storefront: () => ({}),
  storefrontAgent: async (world) => ({ ...(await one(world)), shared: true }),
  storefrontBundle: async (world) => ({ ...(await newBundle(world)), shared: true }),
  docs: () => ({}),
  dashboard: () => ({}),
  developerDashboard: () => ({}),
};
