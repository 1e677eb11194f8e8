import {
  disputes,
  events,
  ledger,
  parties,
  payments,
  policies,
  type Core,
  type Principal,
} from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { eventually } from '@agentpay/testing';
import { fund, ownDb, signedIn, testCore, type SignedIn } from './market.js';

type Reply = payments.RailStatus | 'broken';

const ADDRESS = `0x${'1'.repeat(40)}`;
const AMOUNT = 5_000_000n;
const FEE = 20_000n;
const FUNDS = 100_000_000n;

let db: Db;
let core: Core;
let clock: ManualClock;
let payer: SignedIn;
let answers: Reply[];
let asked: string[];
let proofs: number;
let bringsBack: boolean;
let rail: payments.Rail;
let signs: boolean;
/** For how long the rail thinks before it has made a proof. */
let signing: Promise<void>;
const rails: { 'base-usdc'?: payments.Rail } = {};

const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };

beforeAll(async () => {
  db = await ownDb();
  const answer = async (
    how: string,
    { proof }: Pick<payments.Payment, 'proof'>,
  ): Promise<payments.RailStatus> => {
    asked.push(`${how} ${String(proof?.['proof'])}`);
    const next = answers.shift() ?? { status: 'completed', reference: '0xabc' };
    if (next === 'broken') throw new Error('connection reset');
    return next;
  };
  rail = {
    currency: 'USD',
    account: ledger.FAUCET,
    accepts: () => undefined,
    async authorize() {
      if (!signs) throw new Error('no key to sign with');
      proofs++;
      await signing;
      return { proof: proofs };
    },
    submit: (payment) => answer('submit', payment),
    settle: (payment) => answer('settle', payment),
    fail: (payment) => answer('fail', payment),
    get bringsBack() {
      return bringsBack;
    },
    acceptsRefund: () => undefined,
    authorizeRefund: async () => ({ proof: ++proofs }),
    refund: (_payment, refund) => answer('refund', refund),
    references: /./,
    reconcile: async () => ({}),
  };
  ({ core, clock } = await testCore(db, { rails }));
});
beforeEach(async () => {
  answers = [];
  asked = [];
  proofs = 0;
  bringsBack = true;
  signs = true;
  signing = Promise.resolve();
  rails['base-usdc'] = rail;
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
const workRefunds = () => payments.progressRefunds(core, { limit: 10 });
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

describe('a payment that cannot be sent', () => {
  const HOUR_MS = 3_600_000;
  const limit = () =>
    policies.create(core, {
      principal: operator,
      partyId: payer.agent.id,
      terms: { kind: 'monthly', amount: AMOUNT },
    });

  it.each(['signs nothing', 'is not configured any more'])(
    'because its rail %s waits an hour, is reported, and expires: its money and its share of the limits return',
    async (why) => {
      await limit();
      const { id } = await pay();
      if (why === 'signs nothing') signs = false;
      else delete rails['base-usdc'];
      for (let n = 0; n < 29; n++) {
        expect((await work()).failures).toMatchObject([{ subject: id }]);
        clock.advance(120_000);
      }
      expect(await read(id)).toMatchObject({ status: 'authorized', attempts: 29 });
      expect(await money()).toEqual({ available: FUNDS - AMOUNT - FEE, held: AMOUNT + FEE });
      clock.advance(HOUR_MS - 29 * 120_000);
      expect((await work()).failures).toEqual([]);
      expect(await read(id)).toMatchObject({ status: 'expired', failure: 'not_sent_in_time' });
      expect(await money()).toEqual({ available: FUNDS, held: 0n });
      expect(await told(id)).toEqual(['payment.initiated', 'payment.failed']);
      rails['base-usdc'] = rail;
      signs = true;
      expect((await pay()).status).toBe('authorized');
      await work();
      expect([asked, proofs]).toEqual([['submit 1'], 1]);
    },
  );

  it('expires also while an instance is about to send it, which then sends nothing', async () => {
    const { id } = await pay();
    let sign = (): void => undefined;
    signing = new Promise((resolve) => (sign = resolve));
    const slow = work();
    await eventually(() => expect(proofs).toBe(1));
    clock.advance(HOUR_MS);
    await work();
    expect(await read(id)).toMatchObject({ status: 'expired' });
    sign();
    await slow;
    expect(asked).toEqual([]);
    expect(await read(id)).toMatchObject({ status: 'expired', proof: null });
  });
});

describe('a payment that was sent and of which nobody knows what became', () => {
  const DAY_MS = 24 * 3_600_000;

  it('is given up after a day, and its money is free once the rail has made sure that it is not paid', async () => {
    answers = [{ status: 'unknown' }, 'broken', 'broken', { status: 'unknown' }];
    const { id } = await pay();
    await work();
    clock.advance(DAY_MS - 1);
    await work();
    for (let n = 0; n < 2; n++) {
      clock.advance(600_000);
      await work();
      expect(await read(id)).toMatchObject({ status: 'submitted' });
      expect((await money()).held).toBe(AMOUNT + FEE);
    }
    expect(asked).toEqual(['submit 1', 'settle 1', 'fail 1', 'fail 1']);
    answers = [{ status: 'failed', reason: 'given_up' }];
    clock.advance(600_000);
    await work();
    expect(await read(id)).toMatchObject({ status: 'failed', failure: 'given_up' });
    expect(await money()).toEqual({ available: FUNDS, held: 0n });
  });

  it('is completed when the rail says that it was paid after all', async () => {
    answers = [{ status: 'unknown' }];
    const { id } = await pay();
    await work();
    clock.advance(DAY_MS);
    await work();
    expect(asked).toEqual(['submit 1', 'fail 1']);
    expect(await read(id)).toMatchObject({ status: 'completed' });
  });

  it('keeps its money while its rail is not configured, however long, and is reported', async () => {
    answers = [{ status: 'unknown' }];
    const { id } = await pay();
    await work();
    delete rails['base-usdc'];
    clock.advance(30 * DAY_MS);
    expect((await work()).failures).toMatchObject([
      { subject: id, error: { kind: 'settlement_not_configured' } },
    ]);
    expect(await read(id)).toMatchObject({ status: 'submitted' });
    expect((await money()).held).toBe(AMOUNT + FEE);
    rails['base-usdc'] = rail;
    clock.advance(600_000);
    await work();
    expect(await read(id)).toMatchObject({ status: 'completed' });
  });
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

describe('a refund by another rail', () => {
  let id: string;
  const spent = AMOUNT + FEE;
  beforeEach(async () => {
    ({ id } = await pay());
    await work();
    [asked, proofs] = [[], 0];
  });
  const refund = (more: { amount?: bigint; toExternal?: string } = {}) =>
    payments.refund(core, { principal: operator, paymentId: id, ...more });
  const lost = () => ledger.accountTotal(db, { account: ledger.EXPENSE_REFUNDS, asset: 'USD' });
  const rows = () => payments.selectRefunds(db, id);

  it('is under way until the rail says that the money is back, then in the wallet of the payer', async () => {
    const before = await lost();
    expect(await refund()).toMatchObject({ status: 'completed', refunded: 0n, refunding: AMOUNT });
    expect(await money()).toEqual({ available: FUNDS - spent, held: 0n });
    answers = [
      { status: 'settling', reference: 're_1' },
      { status: 'completed', reference: 're_1' },
    ];
    await workRefunds();
    expect(await read(id)).toMatchObject({ status: 'completed', refunding: AMOUNT });
    clock.advance(10_000);
    await workRefunds();
    expect(await read(id)).toMatchObject({ status: 'refunded', refunded: AMOUNT, refunding: 0n });
    expect(await money()).toEqual({ available: FUNDS - FEE, held: 0n });
    expect(await lost()).toBe(before);
    expect(await rows()).toMatchObject([{ status: 'completed', reference: 're_1', nextAttemptAt: null }]);
    expect((await told(id)).at(-1)).toBe('payment.refunded');
    expect(await refund()).toMatchObject({ status: 'refunded' });
  });

  it('comes in parts, which never exceed the payment together', async () => {
    await refund({ amount: 2_000_000n });
    await refund({ amount: 1_000_000n });
    await expect(refund({ amount: 2_000_001n })).rejects.toMatchObject({ kind: 'invalid_amount' });
    await workRefunds();
    expect(await read(id)).toMatchObject({ status: 'completed', refunded: 3_000_000n, refunding: 0n });
    await refund();
    await workRefunds();
    expect(await read(id)).toMatchObject({ status: 'refunded' });
    expect(await money()).toEqual({ available: FUNDS - FEE, held: 0n });
  });

  it('is sent again as it is when nobody knows what became of it, and never said to have failed', async () => {
    answers = ['broken', { status: 'unknown' }, 'broken'];
    await refund();
    for (let n = 0; n < 3; n++) {
      await workRefunds();
      expect(await rows()).toMatchObject([{ status: 'pending' }]);
      clock.advance(10_000);
    }
    await workRefunds();
    expect(asked).toEqual(['refund 1', 'refund 1', 'refund 1', 'refund 1']);
    expect(await rows()).toMatchObject([{ status: 'completed' }]);
  });

  it('that an instance died over is taken on by another with the same proof, once', async () => {
    await refund();
    await db.query(
      `update payment_refunds set attempts = 1, proof = '{"proof": 7}', next_attempt_at = $2 where payment_id = $1`,
      [id, new Date(clock.now() + 60_000)],
    );
    await workRefunds();
    expect(asked).toEqual([]);
    clock.advance(60_001);
    await Promise.all([workRefunds(), workRefunds(), workRefunds()]);
    expect([asked, proofs]).toEqual([['refund 7'], 0]);
    expect(await read(id)).toMatchObject({ status: 'refunded' });
  });

  it('that the rail refuses for good can be asked for again', async () => {
    answers = [{ status: 'failed', reason: 'charge_disputed' }];
    await refund();
    await workRefunds();
    expect(await read(id)).toMatchObject({ status: 'completed', refunded: 0n, refunding: 0n });
    expect((await told(id)).at(-1)).toBe('payment.refund_failed');
    clock.advance(1);
    await refund();
    await workRefunds();
    expect(await read(id)).toMatchObject({ status: 'refunded' });
    expect((await rows()).map(({ status, failure }) => [status, failure])).toEqual([
      ['failed', 'charge_disputed'],
      ['completed', null],
    ]);
  });

  it('to an address leaves by the rail at the expense of the platform; the wallet gets nothing', async () => {
    bringsBack = false;
    const before = await lost();
    expect(await refund({ toExternal: ADDRESS })).toMatchObject({ refunding: AMOUNT });
    await workRefunds();
    expect(await read(id)).toMatchObject({ status: 'refunded' });
    expect(await money()).toEqual({ available: FUNDS - spent, held: 0n });
    expect(await lost()).toBe(before - AMOUNT);
  });

  it('from whose payee nothing can be had is paid to the wallet by the platform at once', async () => {
    bringsBack = false;
    const before = await lost();
    expect(await refund()).toMatchObject({ status: 'refunded' });
    expect(await money()).toEqual({ available: FUNDS - FEE, held: 0n });
    expect(await lost()).toBe(before - AMOUNT);
    expect(asked).toEqual([]);
  });

  it('that was decided is paid by the platform when the rail refuses it', async () => {
    const dispute = await disputes.open(core, { principal: payer.principal, paymentId: id, reason: 'late' });
    const decision = { principal: operator, disputeId: dispute.id, resolution: 'refund' } as const;
    const before = await lost();
    answers = [{ status: 'failed', reason: 'insufficient_funds' }];
    await disputes.resolve(core, decision);
    await workRefunds();
    expect(await read(id)).toMatchObject({ status: 'refunded' });
    expect(await money()).toEqual({ available: FUNDS - FEE, held: 0n });
    expect(await lost()).toBe(before - AMOUNT);
  });

  it('is for the operator: neither payer nor strangers give it', async () => {
    const by = (principal: Principal) => payments.refund(core, { principal, paymentId: id });
    await expect(by(payer.principal)).rejects.toMatchObject({ kind: 'forbidden' });
    const stranger = await signedIn(core, 'Stranger');
    await expect(by(stranger.principal)).rejects.toMatchObject({ kind: 'payment_not_found' });
  });
});
