import type { Db } from '@agentpay/primitives';
import type { FacilitatorRequest } from '@agentpay/protocol';
import { SIMULATED_STORE } from '@agentpay/evm';
import {
  captureOf,
  escrow,
  newHold,
  openEscrow,
  ordered,
  receiver,
  refundOf,
  voidOf,
  type Held,
} from './escrow.fixture.js';
import { mortal } from './mortal.fixture.js';
import { openBed, openDb, payer, until, type Bed } from './payment.fixture.js';

const CLAIM = /insert into facilitator_settlements/;
/** The transaction that stores what was signed. */
const STORE = /^transaction$/;
const BROADCAST = /^send$/;
const RECORD = /set state = 'settled'/;

const moments = [
  ['before it claims', CLAIM, 'before'],
  ['after it claimed', CLAIM, 'after'],
  ['after it signed, before that is stored', STORE, 'before'],
  ['after it stored what it signed', STORE, 'after'],
  ['after the broadcast', BROADCAST, 'after'],
  ['after it saw the receipt, before that is stored', RECORD, 'before'],
  ['after it stored the outcome, before the response', RECORD, 'after'],
] as const;

const whole = { capturable: 10_000n, refundable: 0n };
const captured = { capturable: 0n, refundable: 10_000n };
const capture = (hold: Held) => ordered(hold, captureOf(hold, { amount: 10_000n, ...whole }));

/** What is done, what must be done before it, and where the 10,000 then are: with the payer, in the escrow, with the receiver. */
const operations = {
  authorize: { before: [], last: async ({ request }: Held) => request, money: [0n, 10_000n, 0n] },
  capture: { before: [async ({ request }: Held) => request], last: capture, money: [0n, 0n, 10_000n] },
  void: {
    before: [async ({ request }: Held) => request],
    last: (hold: Held) => ordered(hold, voidOf(hold)),
    money: [10_000n, 0n, 0n],
  },
  refund: {
    before: [async ({ request }: Held) => request, capture],
    last: (hold: Held) => ordered(hold, refundOf(hold, { amount: 4_000n, ...captured })),
    money: [4_000n, 0n, 6_000n],
  },
} satisfies Record<
  string,
  {
    before: readonly ((hold: Held) => Promise<FacilitatorRequest>)[];
    last: (hold: Held) => Promise<FacilitatorRequest>;
    money: readonly bigint[];
  }
>;

let db: Db;
beforeAll(async () => void (db = await openDb()));
afterAll(() => db.close());

function moneyOn({ chain }: Bed, before: bigint): readonly bigint[] {
  const [ofPayer, inEscrow, ofReceiver] = [payer.address, SIMULATED_STORE, receiver.address].map(
    chain.balanceOf,
  );
  return [(ofPayer as bigint) - before + 10_000n, inEscrow as bigint, ofReceiver as bigint];
}

describe.each(Object.keys(operations) as (keyof typeof operations)[])(
  '%s by a facilitator that dies',
  (name) => {
    const { before, last, money } = operations[name];

    it.each(moments)(
      '%s: it is done once, and its heir tells the same to everybody',
      async (_, what, moment) => {
        const bed = await openBed(db);
        try {
          openEscrow(bed);
          bed.mine();
          const has = bed.chain.balanceOf(payer.address);
          const hold = await newHold();
          const life = mortal(bed);
          const victim = await bed.startMortal({ ...life, escrow });
          for (const make of before)
            expect(await victim.settle(await make(hold))).toMatchObject({ success: true });
          const request = await last(hold);
          const death = life.dieAt(what, moment);
          const end = await Promise.race([
            death.then(() => 'died'),
            victim.settle(request).then(() => 'answered'),
          ]);
          expect(end).toBe('died');

          const heir = await bed.start({ escrow });
          const answer = await heir.settle(request);
          expect(answer).toMatchObject({ success: true });
          expect(moneyOn(bed, has)).toEqual(money);
          expect(await heir.settle(request)).toEqual({ ...answer, repeat: true });
          expect(moneyOn(bed, has)).toEqual(money);
        } finally {
          await bed.close();
        }
      },
    );

    it('and a chain that loses all blocks after it: all is done again, and once', async () => {
      const bed = await openBed(db);
      try {
        openEscrow(bed);
        const has = bed.chain.balanceOf(payer.address);
        const hold = await newHold();
        const facilitator = await bed.start({ escrow });
        const stop = bed.chain.mineEvery(5);
        for (const make of [...before, last]) {
          expect(await facilitator.settle(await make(hold))).toMatchObject({ success: true });
        }
        stop();
        await bed.chain.mine();
        bed.chain.reorg(Infinity);
        bed.chain.forgetPool();
        await facilitator.close();
        expect(moneyOn(bed, has)).toEqual([10_000n, 0n, 0n]);
        bed.mine();
        await bed.start({ escrow });
        await until(() => moneyOn(bed, has).join() === money.join());
      } finally {
        await bed.close();
      }
    });
  },
);
