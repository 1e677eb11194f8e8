import type { gateway } from '@agentpay/api';
import type { Calls } from '../world.js';
import { newOrg } from './orgs.calls.js';

export const calls: Calls<typeof gateway.nouns.purchaseOrders> = { create: newOrg, list: newOrg };
