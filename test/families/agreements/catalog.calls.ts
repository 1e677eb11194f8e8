import type { agreements } from '@agentpay/api';
import type { Calls } from '../world.js';

let registered = 0;

export const calls: Calls<typeof agreements.nouns.catalog> = {
  register: () => ({ body: { name: `Catalogued ${++registered}`, price_per_call: 0.01 } }),
  search: () => ({}),
};
