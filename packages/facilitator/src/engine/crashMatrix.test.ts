import type { Db } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import { mortal } from './mortal.fixture.js';
import { gasPayer, openBed, openDb, signedRequest } from './payment.fixture.js';

const CLAIM = /insert into facilitator_settlements/;
/** The transaction that stores what was signed. */
const STORE = /^transaction$/;
const BROADCAST = /^send$/;
const RECEIPT = /^receipts$/;
const RECORD = /set state = 'settled'/;

describe('a facilitator that dies', () => {
  let db: Db;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());

  it.each([
    ['before it claims the payment', CLAIM, 'before', { rows: 0, sent: 0 }],
    ['after it claimed the payment', CLAIM, 'after', { rows: 1, sent: 0 }],
    ['after it signed, before that is stored', STORE, 'before', { rows: 1, sent: 0 }],
    ['after it stored what it signed, before the broadcast', STORE, 'after', { rows: 1, sent: 0 }],
    ['after the broadcast', BROADCAST, 'after', { rows: 1, sent: 1 }],
    ['before it sees the receipt', RECEIPT, 'before', { rows: 1, sent: 1 }],
    ['after it saw the receipt, before that is stored', RECORD, 'before', { rows: 1, sent: 1 }],
    ['after it stored the outcome, before the response', RECORD, 'after', { rows: 1, sent: 1 }],
  ] as const)(
    '%s: one transfer, and the right response after the restart',
    async (_, what, moment, expected) => {
      const bed = await openBed(db);
      try {
        const life = mortal(bed);
        const victim = await bed.startMortal(life);
        // Blocks come before the death only where the death waits for one.
        if (what === RECORD) bed.mine();
        const request = await signedRequest();
        const death = life.dieAt(what, moment);
        const end = await Promise.race([
          death.then(() => 'died'),
          victim.settle(request).then(() => 'answered'),
        ]);
        expect(end).toBe('died');
        const rows = await db.query('select id from facilitator_settlements');
        expect({
          rows: rows.length,
          sent: await bed.chain.transactionCount(gasPayer.address, 'pending'),
        }).toEqual(expected);

        const heir = await bed.start();
        if (what !== RECORD) bed.mine();
        const answer = await heir.settle(request);
        expect(answer).toMatchObject({ success: true });
        expect(bed.chain.transfers()).toHaveLength(1);
        expect((await bed.chain.receipts([answer.transaction as Hex]))[0]?.logs).toHaveLength(2);
        expect(await heir.settle(request)).toEqual({ ...answer, repeat: true });
        expect(await bed.chain.transactionCount(gasPayer.address, 'pending')).toBe(1);
      } finally {
        await bed.close();
      }
    },
  );
});
