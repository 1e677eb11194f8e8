import { developers, ledger } from '@agentpay/core';
import type { World } from '../world.js';

/** Lets the world's developer earn money; gives their id. */
export async function earned({ api, credential }: World, amount: bigint): Promise<string> {
  const { core } = api.composition;
  const { body } = await api.http.get('/developers/profile').set(credential('developer')).expect(200);
  const developerId = body.id as string;
  const { walletId } = await developers.get(core.db, { developerId });
  await core.batch.run({
    wants: developers.earnWants(core, developerId),
    lane: developerId,
    decide(scene) {
      const postings = ledger.movements.faucetFund({ walletId, asset: 'USDC', amount });
      const key = `test:${core.random.bytes(8).join('')}`;
      ledger.postIn(core, scene, { key, kind: 'test.earned', postings });
      developers.earnIn(core, scene, { developerId, amount });
    },
  });
  return developerId;
}
