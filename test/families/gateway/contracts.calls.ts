import type { gateway } from '@agentpay/api';
import type { Calls } from '../world.js';
import { newOrg } from './orgs.calls.js';

export const calls: Calls<typeof gateway.nouns.contracts> = { create: newOrg, list: newOrg };
