import type { pay } from '@agentpay/api';
import type { Calls } from '../world.js';

export const calls: Calls<typeof pay.nouns.spendEvents> = { list: () => ({}) };
