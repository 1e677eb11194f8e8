import type { gateway } from '@agentpay/api';
import type { Calls } from '../world.js';
import { one } from './listings.calls.js';

export const calls: Calls<typeof gateway.nouns.pricing> = { get: one, set: one };
