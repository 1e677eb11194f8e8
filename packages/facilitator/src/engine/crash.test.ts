import type { Db } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import { mortal } from './mortal.fixture.js';
import { openPermit2, permitRequest } from './permit.fixture.js';
import { openBed, openDb, payer, signedRequest } from './payment.fixture.js';

/** To examine, to claim, to price, to record, to broadcast, to look for a receipt, to record the outcome. */
const FEWEST_STEPS = 7;

const schemes = [
  { scheme: 'exact by EIP-3009', newRequest: signedRequest },
  { scheme: 'exact by Permit2', newRequest: () => permitRequest() },
  { scheme: 'upto', newRequest: () => permitRequest({ scheme: 'upto' }) },
];

describe.each(schemes)(
  'a facilitator that dies after any step of a settlement of $scheme',
  ({ newRequest }) => {
    let db: Db;
    beforeAll(async () => void (db = await openDb()));
    afterAll(() => db.close());

    it.each([
      ['while no block comes', false],
      ['while blocks come', true],
    ])('%s: the money moves once, and its heir names the transaction that moved it', async (_, mining) => {
      const total = await stepsOfOneSettlement();
      let deaths = 0;
      for (let steps = 1; steps <= total; steps++) deaths += await dieAndRetry(steps, mining);
      // How often the chain is asked for blocks is a matter of timing; what a settlement does besides is not.
      expect(deaths).toBeGreaterThanOrEqual(FEWEST_STEPS);
    });

    it('and is not asked again: its heir records what happened, and the payment can still be made', async () => {
      const total = await stepsOfOneSettlement();
      const ends = new Set<string>();
      for (let steps = 1; steps <= total; steps++) ends.add(await dieAndLookOn(steps));
      expect([...ends].sort()).toEqual(['failed', 'no claim', 'settled']);
    });

    async function stepsOfOneSettlement(): Promise<number> {
      const bed = await openBed(db);
      openPermit2(bed, payer.address);
      const life = mortal(bed);
      const facilitator = await bed.start(life);
      const before = life.steps();
      bed.mine();
      await facilitator.settle(await newRequest());
      await bed.close();
      return life.steps() - before;
    }

    async function dieAndLookOn(steps: number): Promise<string> {
      const bed = await openBed(db);
      openPermit2(bed, payer.address);
      bed.mine();
      const life = mortal(bed);
      const victim = await bed.startMortal(life);
      const request = await newRequest();
      await Promise.race([life.dieAfter(steps), victim.settle(request)]);
      life.kill();
      const heir = await bed.start();
      const state = await finalState();
      expect({ steps, state, transfers: bed.chain.transfers().length }).toEqual({
        steps,
        state,
        transfers: state === 'settled' ? 1 : 0,
      });
      expect(await heir.settle(request)).toMatchObject({ success: true });
      expect(bed.chain.transfers()).toHaveLength(1);
      await bed.close();
      return state;
    }

    async function finalState(): Promise<string> {
      for (;;) {
        const [row] = await db.query<{ state: string }>('select state from facilitator_settlements');
        if (row?.state !== 'claimed' && row?.state !== 'sent') return row?.state ?? 'no claim';
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }

    async function dieAndRetry(steps: number, mining: boolean): Promise<number> {
      const bed = await openBed(db);
      openPermit2(bed, payer.address);
      const life = mortal(bed);
      const victim = await bed.startMortal(life);
      if (mining) bed.mine();
      const request = await newRequest();
      const death = life.dieAfter(steps).then(() => 1);
      const died = await Promise.race([death, victim.settle(request).then(() => 0)]);
      life.kill();
      const heir = await bed.start();
      if (!mining) bed.mine();
      const answer = await heir.settle(request);
      expect({ steps, answer }).toEqual({ steps, answer: expect.objectContaining({ success: true }) });
      expect(bed.chain.transfers()).toHaveLength(1);
      const [receipt] = await bed.chain.receipts([answer.transaction as Hex]);
      expect(receipt?.logs).toHaveLength(2);
      expect(await heir.settle(request)).toEqual({ ...answer, repeat: true });
      await bed.close();
      return died;
    }
  },
);
