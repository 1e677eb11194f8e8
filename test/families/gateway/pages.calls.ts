import type { gateway } from '@agentpay/api';
import type { Calls } from '../world.js';

export const calls: Calls<typeof gateway.nouns.pages> = {
  storefront: () => ({}),
  docs: () => ({}),
  dashboard: () => ({}),
  developerDashboard: () => ({}),
};
