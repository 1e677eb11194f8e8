import { events, ledger, migrations, payments, type Core } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { scratchDb } from '@agentpay/storage';
import { fund, signedIn, testCore, type SignedIn } from './market.js';

type Answer = payments.RailStatus | 'broken';

const ADDRESS = `0x${'1'.repeat(40)}`;
const AMOUNT = 5_000_000n;
const FEE = 20_000n;
const FUNDS = 100_000_000n;

let db: Db;
let core: Core;
let clock: ManualClock;
let payer: SignedIn;
let answers: Answer[];
let asked: string[];
let proofs: number;

beforeAll(async () => {
  db = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
  const answer = async (how: string, { proof }: payments.Payment): Promise<payments.RailStatus> => {
    asked.push(`${how} ${String(proof?.['proof'])}`);
    const next = answers.shift() ?? { status: 'completed', reference: '0xabc' };
    if (next === 'broken') throw new Error('connection reset');
    return next;
  };
  const rail: payments.Rail = {
    currency: 'USD',
    account: ledger.FAUCET,
    accepts: () => undefined,
    authorize: async () => ({ proof: ++proofs }),
    submit: (payment) => answer('submit', payment),
    settle: (payment) => answer('settle', payment),
    fail: (payment) => answer('fail', payment),
    refund: async () => ({ status: 'failed', reason: 'no' }),
    reconcile: async () => undefined,
  };
  ({ core, clock } = await testCore(db, { rails: { 'base-usdc': rail } }));
});
beforeEach(async () => {
  answers = [];
  asked = [];
  proofs = 0;
  payer = await signedIn(core, 'Payer');
  await fund(core, payer, FUNDS);
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(() => db.close());

const pay = () =>
  payments.create(core, {
    principal: payer.principal,
    fromWalletId: payer.walletId,
    toExternal: ADDRESS,
    amount: AMOUNT,
    rail: 'base-usdc',
  });
const read = (paymentId: string) => payments.get(core, { principal: payer.principal, paymentId });
const money = () => ledger.walletMoney(db, { walletId: payer.walletId, asset: 'USD' });
const work = () => payments.progress(core, { limit: 10 });
const told = async (subject: string) => (await events.history(db, { subject })).map(({ type }) => type);

it('a payment by another rail is reserved, sent and confirmed', async () => {
  const { id, status } = await pay();
  expect(status).toBe('authorized');
  expect(await money()).toEqual({ available: FUNDS - AMOUNT - FEE, held: AMOUNT + FEE });
  await work();
  expect(await read(id)).toMatchObject({ status: 'completed', reference: '0xabc', nextAttemptAt: null });
  expect(await money()).toEqual({ available: FUNDS - AMOUNT - FEE, held: 0n });
  expect(await told(id)).toEqual(['payment.initiated', 'payment.confirmed', 'payment.completed']);
});

it('what pays is made once and sent again, also when nobody knows what became of it', async () => {
  answers = ['broken', { status: 'unknown' }, { status: 'settling', reference: '0xabc' }];
  const { id } = await pay();
  for (let n = 0; n < 6; n++) {
    await work();
    clock.advance(10_000);
  }
  expect(asked).toEqual(['submit 1', 'settle 1', 'settle 1', 'settle 1']);
  expect(await read(id)).toMatchObject({ status: 'completed', attempts: 4 });
});

it('one that the rail refuses for good fails, and its money and its share of the limits return', async () => {
  answers = [{ status: 'failed', reason: 'not_sent_in_time' }];
  const { id } = await pay();
  await work();
  expect(await read(id)).toMatchObject({ status: 'failed', failure: 'not_sent_in_time' });
  expect(await money()).toEqual({ available: FUNDS, held: 0n });
  expect(await told(id)).toEqual(['payment.initiated', 'payment.failed']);
});

it('an instance that dies over a payment leaves it to another, which makes no second proof', async () => {
  const { id } = await pay();
  await db.query(
    `update payments set status = 'submitted', attempts = 1, proof = '{"proof": 7}',
    next_attempt_at = $2 where id = $1`,
    [id, new Date(clock.now() + 60_000)],
  );
  await work();
  expect(asked).toEqual([]);
  clock.advance(60_001);
  await Promise.all([work(), work(), work()]);
  expect([asked, proofs]).toEqual([['settle 7'], 0]);
  expect(await read(id)).toMatchObject({ status: 'completed' });
});

it('payments that were made under a key and without one are asked for in the same round', async () => {
  const request = {
    principal: payer.principal,
    fromWalletId: payer.walletId,
    toExternal: ADDRESS,
    amount: AMOUNT,
  };
  const made = [
    await payments.create(core, { ...request, rail: 'base-usdc' }),
    await payments.create(core, { ...request, rail: 'base-usdc', idempotencyKey: 'order-1' }),
  ];
  await work();
  const states = await Promise.all(made.map(({ id }) => read(id)));
  expect(states.map(({ status }) => status)).toEqual(['completed', 'completed']);
});
