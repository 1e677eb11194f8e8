import type { runtime } from '@agentpay/api';
import type { Calls } from '../world.js';

export const calls: Calls<typeof runtime.nouns.claims> = { list: () => ({}) };
