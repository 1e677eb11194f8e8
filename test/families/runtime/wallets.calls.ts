import type { runtime } from '@agentpay/api';
import type { Calls } from '../world.js';

export const calls: Calls<typeof runtime.nouns.wallets> = {
  fund: ({ agent }) => ({ params: { wallet_id: agent.wallet } }),
  balance: ({ agent }) => ({ params: { wallet_id: agent.wallet } }),
};
