import { ledger, payments, type Core, type Principal } from '@agentpay/core';
import { seededRandom } from '@agentpay/primitives';
import type { ManualClock } from '@agentpay/primitives';
import { eventually } from '@agentpay/testing';
import fc from 'fast-check';
import { fund, money, ownDb, signedIn, START_MS, testCore, type SignedIn } from '../flows/market.js';
import { command, kindOf, playSequences } from './play.js';
import {
  ask,
  book,
  CLAIM_MS,
  dueIn,
  feeOn,
  GIVE_UP_MS,
  hear,
  MAX_WAIT_MS,
  railStates,
  refusalOf,
  TTL_MS,
  type Model,
  type ModelPayment,
  type Order,
  type RailState,
  type To,
} from './paymentModel.js';
import { behaviours, heardOf, outside, scriptedRail, type Behaviour } from './scriptedRail.js';

const FUNDS = 10_000n;
const MOST = 6_000n;
const operator: Principal = {
  party: { id: 'platform', kind: 'platform' },
  scopes: [],
  credentialId: 'admin',
};

interface Real {
  readonly payer: SignedIn;
  readonly payee: SignedIn;
  readonly revenueBefore: bigint;
  /** Instances that died in the middle of asking the rail. */
  readonly dead: Promise<unknown>[];
}

const seen = new Set<string>();
let core: Core;
let clock: ManualClock;
const bank = outside();
const rails: { 'base-usdc'?: payments.Rail } = {};

function setRail(state: RailState): void {
  bank.signs = state !== 'unable';
  if (state === 'gone') delete rails['base-usdc'];
  else rails['base-usdc'] = scriptedRail(bank);
}

const label = ({ payer }: Real) => `shop-${payer.agent.id}`;
const revenue = () => ledger.accountTotal(core.db, { account: ledger.REVENUE_PAYMENT, asset: 'USD' });
const owed = (real: Real) =>
  ledger.accountTotal(core.db, { account: ledger.external(label(real)), asset: 'USD' });

interface Kept {
  readonly id: string;
  readonly status: string;
  readonly refunded: bigint;
  readonly attempts: number;
  readonly next: Date | null;
  readonly events: string[];
}
const KEPT = `select id, status, refunded, attempts, next_attempt_at as next,
  (select array_agg(type order by sequence) from events where subject = payments.id) as events
  from payments where payer_id = $1`;

async function expectSame(model: Model, real: Real): Promise<void> {
  expect(await money(core, real.payer)).toEqual({ available: model.payer, held: model.held });
  expect((await money(core, real.payee)).available).toBe(model.payee);
  expect(await owed(real)).toBe(model.outside);
  expect((await revenue()) - real.revenueBefore).toBe(model.revenue);
  const kept = await core.db.query<Kept>(KEPT, [real.payer.agent.id]);
  const shown = ({ id, status, refunded, attempts, events }: Kept | ModelPayment, next: number | null) => ({
    id,
    status,
    refunded,
    attempts,
    events,
    next,
  });
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  expect(kept.map((each) => shown(each, each.next?.getTime() ?? null)).sort(byId)).toEqual(
    model.payments.map((each) => shown(each, each.next)).sort(byId),
  );
  // The rail itself was asked for each payment by one proof alone.
  const orders = (id: string) => [...bank.books].filter(([order]) => order.startsWith(`${id}#`));
  for (const { id, to, status, atRail } of model.payments) {
    const sent = to === 'rail' && status !== 'authorized' && status !== 'expired';
    expect(orders(id).map(([, state]) => state)).toEqual(sent ? [atRail] : []);
  }
  model.payments.forEach(({ status }) => seen.add(status));
}

const pay = (order: Order) =>
  command<Model, Real>(`pay ${order.to} ${order.amount} ${order.key ?? ''}`, async (model, real) => {
    const { payer, payee } = real;
    const first = model.payments.find(({ key }) => key !== undefined && key === order.key);
    const covered = order.amount + feeOn(order.amount) <= model.payer;
    const repeats = first?.to === order.to && first.amount === order.amount;
    const gone = order.to === 'rail' && model.rail === 'gone';
    const refused = covered ? undefined : 'insufficient_funds';
    const expected = gone
      ? 'settlement_not_configured'
      : first
        ? repeats
          ? undefined
          : 'conflict'
        : refused;
    const paying = payments.create(core, {
      principal: payer.principal,
      fromWalletId: payer.walletId,
      amount: order.amount,
      ...(order.to === 'payee' ? { toWalletId: payee.walletId } : { toExternal: label(real) }),
      ...(order.to === 'rail' && { rail: 'base-usdc' }),
      ...(order.key !== undefined && { idempotencyKey: order.key }),
    });
    expect(await kindOf(paying)).toBe(expected);
    if (gone) return;
    if (first && repeats) expect((await paying).id).toBe(first.id);
    if (!first && covered) book(model, (await paying).id, order);
    await expectSame(model, real);
  });

const parts = ['what is left', 'half', 'a unit', 'too much'] as const;
type Part = (typeof parts)[number];

function amountOf({ amount, refunded }: ModelPayment, part: Part): bigint | undefined {
  if (part === 'what is left') return undefined;
  if (part === 'too much') return amount - refunded + 1n;
  return part === 'half' ? (amount + 1n) / 2n : 1n;
}

const refund = (pick: number, part: Part) =>
  command<Model, Real>(
    `refund ${part} of ${pick}`,
    async (model, real) => {
      const booked = model.payments.filter(({ to }) => to !== 'rail');
      const payment = booked[pick % booked.length] as ModelPayment;
      const amount = amountOf(payment, part);
      const principal = payment.to === 'payee' ? real.payee.principal : operator;
      const expected = refusalOf(model, payment, amount);
      const paymentId = payment.id;
      expect(await kindOf(payments.refund(core, { principal, paymentId, amount }))).toBe(expected);
      if (expected === undefined && payment.status !== 'refunded') {
        const given = amount ?? payment.amount - payment.refunded;
        payment.refunded += given;
        model[payment.to as 'payee' | 'outside'] -= given;
        model.payer += given;
        if (payment.refunded === payment.amount) payment.status = 'refunded';
        payment.events.push('payment.refunded');
      }
      await expectSame(model, real);
    },
    (model) => model.payments.some(({ to }) => to !== 'rail'),
  );

/** The payee spends, so that it cannot give everything back. */
const spend = (amount: bigint) =>
  command<Model, Real>(`the payee spends ${amount}`, async (model, real) => {
    const { principal, walletId } = real.payee;
    const covered = amount + feeOn(amount) <= model.payee;
    const request = { principal, fromWalletId: walletId, toExternal: label(real), amount };
    expect(await kindOf(payments.create(core, request))).toBe(covered ? undefined : 'insufficient_funds');
    if (covered) {
      model.payee -= amount + feeOn(amount);
      model.outside += amount;
      model.revenue += feeOn(amount);
    }
    await expectSame(model, real);
  });

/** {@link ask}, and tells the rail what to do. */
function askBank(model: Model, script: readonly Behaviour[]): ReturnType<typeof ask> {
  const done = ask(model, script);
  for (const { payment, behaviour, givenUp } of done.asked) {
    bank.script.set(payment.id, behaviour);
    if (givenUp) seen.add('given up');
  }
  return done;
}

const progress = (script: readonly Behaviour[]) =>
  command<Model, Real>(`progress ${script.join()}`, async (model, real) => {
    const { asked, failed } = askBank(model, script);
    for (const { payment, behaviour } of asked) hear(model, payment, heardOf(payment.atRail, behaviour));
    const { failures } = await payments.progress(core, { limit: 100 });
    expect(failures.map(({ subject }) => subject).sort()).toEqual(failed.map(({ id }) => id).sort());
    await expectSame(model, real);
  });

/** Every payment that is due was sent to the rail by an instance that hears no response. */
const die = (script: readonly Behaviour[]) =>
  command<Model, Real>(
    `die ${script.join()}`,
    async (model, real) => {
      const { asked } = askBank(model, script);
      for (const { payment } of asked) {
        payment.next = model.now + CLAIM_MS;
        model.unanswered.push({ payment, attempts: payment.attempts });
      }
      const before = bank.asked;
      bank.dead = true;
      real.dead.push(payments.progress(core, { limit: 100 }));
      await eventually(() => expect(bank.asked - before).toBe(asked.length));
      bank.dead = false;
      // What the rail is not asked about ends beside it.
      await eventually(() => expectSame(model, real));
    },
    (model) => dueIn(model).length > 0,
  );

/** The instances that hung hear at last; of payments that another one took over their word counts no more. */
async function hearLate(model: Model, real: Real): Promise<void> {
  for (const { payment, attempts } of model.unanswered.splice(0))
    if (payment.attempts === attempts && payment.next !== null) hear(model, payment, payment.atRail);
  bank.answer();
  await Promise.all(real.dead.splice(0));
  await expectSame(model, real);
}

const set = (rail: RailState) =>
  command<Model, Real>(`the rail ${rail}`, async (model) => {
    model.rail = rail;
    setRail(rail);
  });

const wait = (ms: number) =>
  command<Model, Real>(`wait ${ms}`, async (model) => {
    model.now += ms;
    clock.advance(ms);
  });

/** What a sequence that failed left behind must not reach the next one. */
async function clear(): Promise<void> {
  setRail('works');
  bank.script.clear();
  bank.dead = false;
  bank.answer();
  clock.advance(TTL_MS + GIVE_UP_MS);
  await payments.progress(core, { limit: 1_000 });
  bank.books.clear();
}

async function setUp(): Promise<{ model: Model; real: Real }> {
  await clear();
  const [payer, payee] = [await signedIn(core, 'Payer'), await signedIn(core, 'Payee')];
  await fund(core, payer, FUNDS);
  const real = { payer, payee, revenueBefore: await revenue(), dead: [] };
  const nothing = { held: 0n, payee: 0n, outside: 0n, revenue: 0n, payments: [], unanswered: [] };
  const rail = 'works' as const;
  return { model: { now: clock.now(), payer: FUNDS, rail, ...nothing }, real };
}

/** Once the rail is there and answers truthfully, every payment ends, and the platform and the rail agree on what was paid. */
async function finish(model: Model, real: Real): Promise<void> {
  await hearLate(model, real);
  await set('works').run(model, real);
  model.now += MAX_WAIT_MS + CLAIM_MS;
  clock.advance(MAX_WAIT_MS + CLAIM_MS);
  await progress(['pay']).run(model, real);
  expect(model.held).toBe(0n);
  const paid = model.payments.filter(({ to, status }) => to === 'rail' && status === 'completed');
  const moved = [...bank.books].filter(([, state]) => state === 'paid');
  expect(moved.map(([order]) => order.split('#')[0]).sort()).toEqual(paid.map(({ id }) => id).sort());
}

it('payments agree with the model, whatever is paid, refunded, answered late or never, in whatever order', async () => {
  const db = await ownDb();
  try {
    ({ core, clock } = await testCore(db, {
      random: seededRandom(1),
      settings: { payments: { ttlMs: TTL_MS, giveUpMs: GIVE_UP_MS } },
      rails,
    }));
    expect(clock.now()).toBe(START_MS);
    const amount = fc.bigInt({ min: 1n, max: MOST });
    const key = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
    const order = (to: To) =>
      fc.oneof(
        fc.record({ to: fc.constant(to), amount, key }),
        // Often enough the same, so that keys are repeated and not only reused.
        fc.record({ to: fc.constant(to), amount: fc.constant(1_000n), key: fc.constantFrom('a', 'b') }),
      );
    const script = fc.array(fc.constantFrom(...behaviours), { minLength: 1, maxLength: 3 });
    const commands = [
      order('payee').map(pay),
      order('outside').map(pay),
      order('rail').map(pay),
      order('rail').map(pay),
      fc.tuple(fc.nat(5), fc.constantFrom(...parts)).map((args) => refund(...args)),
      fc.tuple(fc.nat(5), fc.constantFrom(...parts)).map((args) => refund(...args)),
      amount.map(spend),
      script.map(progress),
      script.map(progress),
      // Sent, and still unknown when it is to be given up.
      fc.constantFrom<Behaviour>('break', 'lose', 'settle').map((behaviour) => progress([behaviour])),
      script.map(die),
      fc.constant(command<Model, Real>('hear late', hearLate)),
      fc.constantFrom(1_000, 4_000, CLAIM_MS, MAX_WAIT_MS).map(wait),
      fc.constantFrom(CLAIM_MS, GIVE_UP_MS).map(wait),
      // More often there than not.
      fc.constantFrom('works' as const, ...railStates).map(set),
    ];
    await playSequences(commands, { setUp, finish, runs: 30 });
    // A payment is `pending` within the transaction alone that reserves its money or moves it.
    expect([...seen].sort()).toEqual([
      'authorized',
      'completed',
      'expired',
      'failed',
      'given up',
      'refunded',
      'settling',
      'submitted',
    ]);
    expect(await ledger.verifyLedger(db)).toEqual([]);
    expect(await ledger.verifyChains(core)).toEqual([]);
  } finally {
    await db.close();
  }
});
