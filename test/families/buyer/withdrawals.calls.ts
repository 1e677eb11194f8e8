import type { buyer } from '@agentpay/api';
import type { Calls, World } from '../world.js';
import { ownedAgent, write } from './buyers.js';

async function prepared(world: World): Promise<{ id: string; withdrawal_id: string }> {
  const id = await ownedAgent(world);
  const body = { to: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C', amount: '1.00' };
  return { id, withdrawal_id: (await write(world, 'post', `/api/agents/${id}/withdrawals`, body)).id };
}

export const calls: Calls<typeof buyer.nouns.withdrawals> = {
  create: async (world) => ({ params: { id: await ownedAgent(world) } }),
  get: async (world) => ({ params: await prepared(world) }),
  confirm: async (world) => ({ params: await prepared(world) }),
};
