import { disputes, ledger, payments, type Core, type Principal } from '@agentpay/core';
import { seededRandom } from '@agentpay/primitives';
import type { ManualClock } from '@agentpay/primitives';
import fc from 'fast-check';
import { fund, money, ownDb, signedIn, testCore, type SignedIn } from '../flows/market.js';
import { command, kindOf, playSequences } from './play.js';

const FUNDS = 10_000n;
const DAY_MS = 86_400_000;
const WINDOW_MS = 30 * DAY_MS;
const operator: Principal = {
  party: { id: 'platform', kind: 'platform' },
  scopes: [],
  credentialId: 'admin',
};

// ---- the model: a payment and the one dispute that there may be about it

type Who = 'payer' | 'payee' | 'stranger' | 'operator';
type Step = 'review' | 'withdraw' | 'refund' | 'deny';

interface ModelDispute {
  readonly id: string;
  readonly opener: Who;
  status: disputes.DisputeStatus;
  evidence: Who[];
  events: string[];
}
interface ModelPayment {
  readonly id: string;
  readonly amount: bigint;
  readonly at: number;
  refunded: bigint;
  dispute?: ModelDispute;
}
interface Model {
  now: number;
  payer: bigint;
  payee: bigint;
  /** What the platform paid for payees who had too little. */
  expense: bigint;
  payments: ModelPayment[];
}

const feeOn = (amount: bigint) => (amount * 4n + 500n) / 1_000n;
const statusOf = ({ amount, refunded }: ModelPayment) => (amount === refunded ? 'refunded' : 'completed');
const undecided = ({ status }: ModelDispute) => status === 'open' || status === 'under_review';

const leadsTo = {
  review: 'under_review',
  withdraw: 'withdrawn',
  refund: 'resolved_refunded',
  deny: 'resolved_denied',
} as const;
const allowed: Record<disputes.DisputeStatus, readonly Step[]> = {
  open: ['review', 'withdraw', 'refund', 'deny'],
  under_review: ['refund', 'deny'],
  withdrawn: [],
  resolved_refunded: [],
  resolved_denied: [],
};

function refusalToOpen(model: Model, payment: ModelPayment, by: Who): string | undefined {
  if (by === 'stranger' || by === 'operator') return 'payment_not_found';
  if (statusOf(payment) !== 'completed') return 'payment_wrong_state';
  if (model.now > payment.at + WINDOW_MS) return 'dispute_window_closed';
  return payment.dispute && 'duplicate_dispute';
}

function refusalToMove({ status, opener }: ModelDispute, step: Step, by: Who): string | undefined {
  if (step !== 'withdraw' && by !== 'operator') return 'forbidden';
  if (by === 'stranger') return 'dispute_not_found';
  if (step === 'withdraw' && by !== opener) return 'forbidden';
  return allowed[status].includes(step) || status === leadsTo[step] ? undefined : 'dispute_wrong_state';
}

// ---- the real thing

type Real = Record<'payer' | 'payee' | 'stranger', SignedIn> & { readonly expenseBefore: bigint };

const seen = new Set<string>();
let core: Core;
let clock: ManualClock;

const principalOf = (real: Real, who: Who) => (who === 'operator' ? operator : real[who].principal);
const expense = async () =>
  -(await ledger.accountTotal(core.db, { account: ledger.EXPENSE_REFUNDS, asset: 'USD' }));

async function expectSame(model: Model, real: Real): Promise<void> {
  expect((await money(core, real.payer)).available).toBe(model.payer);
  expect((await money(core, real.payee)).available).toBe(model.payee);
  expect((await expense()) - real.expenseBefore).toBe(model.expense);
  const kept = await core.db.query<{ id: string }>(
    'select id, status, refunded from payments where payer_id = $1',
    [real.payer.agent.id],
  );
  expect(kept).toHaveLength(model.payments.length);
  for (const payment of model.payments) {
    const { id, refunded, dispute } = payment;
    expect(kept.find((row) => row.id === id)).toEqual({ id, status: statusOf(payment), refunded });
    if (!dispute) continue;
    seen.add(dispute.status);
    const got = await disputes.get(core, { principal: real.payee.principal, disputeId: dispute.id });
    const ids = (who: Who) => (who === 'operator' ? 'platform' : real[who].agent.id);
    expect(got.dispute).toMatchObject({
      paymentId: id,
      status: dispute.status,
      openerId: ids(dispute.opener),
    });
    expect(got.dispute.resolvedAt === null).toBe(undecided(dispute));
    expect(got.evidence.map(({ partyId }) => partyId)).toEqual(dispute.evidence.map(ids));
    const told = await core.db.query<{ type: string }>(
      'select type from events where subject = $1 order by sequence',
      [dispute.id],
    );
    expect(told.map(({ type }) => type)).toEqual(dispute.events);
  }
}

const pay = (amount: bigint) =>
  command<Model, Real>(`pay ${amount}`, async (model, real) => {
    const { payer, payee } = real;
    const request = { principal: payer.principal, fromWalletId: payer.walletId, amount };
    const paying = payments.create(core, { ...request, toWalletId: payee.walletId });
    const covered = amount + feeOn(amount) <= model.payer;
    expect(await kindOf(paying)).toBe(covered ? undefined : 'insufficient_funds');
    if (covered) {
      model.payer -= amount + feeOn(amount);
      model.payee += amount;
      model.payments.push({ id: (await paying).id, amount, at: model.now, refunded: 0n });
    }
    await expectSame(model, real);
  });

/** The payee spends, so that a decision against it is not covered. */
const spend = command<Model, Real>(
  'the payee spends what it has',
  async (model, real) => {
    const { principal, walletId } = real.payee;
    const amount = (model.payee * 9n) / 10n;
    await payments.create(core, { principal, fromWalletId: walletId, toExternal: 'shop', amount });
    model.payee -= amount + feeOn(amount);
    await expectSame(model, real);
  },
  (model) => model.payee >= 10n,
);

function onPayment(
  name: string,
  pick: number,
  run: (payment: ModelPayment, model: Model, real: Real) => Promise<void>,
) {
  return command<Model, Real>(
    `${name} of ${pick}`,
    async (model, real) => {
      await run(model.payments[pick % model.payments.length] as ModelPayment, model, real);
      await expectSame(model, real);
    },
    (model) => model.payments.length > 0,
  );
}

function onDispute(
  name: string,
  pick: number,
  run: (dispute: ModelDispute, model: Model, real: Real, payment: ModelPayment) => Promise<void>,
) {
  return command<Model, Real>(
    `${name} of ${pick}`,
    async (model, real) => {
      const disputed = model.payments.filter(({ dispute }) => dispute);
      const payment = disputed[pick % disputed.length] as ModelPayment;
      await run(payment.dispute as ModelDispute, model, real, payment);
      await expectSame(model, real);
    },
    (model) => model.payments.some(({ dispute }) => dispute),
  );
}

const refundHalf = (pick: number) =>
  onPayment('refund half', pick, async (payment, model, real) => {
    const amount = (payment.amount - payment.refunded + 1n) / 2n;
    const expected =
      statusOf(payment) === 'refunded'
        ? 'invalid_amount'
        : amount > model.payee
          ? 'insufficient_funds'
          : undefined;
    const request = { principal: real.payee.principal, paymentId: payment.id, amount };
    expect(await kindOf(payments.refund(core, request))).toBe(expected);
    if (expected !== undefined) return;
    payment.refunded += amount;
    model.payer += amount;
    model.payee -= amount;
  });

const open = (pick: number, by: Who) =>
  onPayment(`dispute by ${by}`, pick, async (payment, model, real) => {
    const expected = refusalToOpen(model, payment, by);
    const principal = principalOf(real, by);
    const opening = disputes.open(core, { principal, paymentId: payment.id, reason: 'not_delivered' });
    expect(await kindOf(opening)).toBe(expected);
    if (expected !== undefined) return;
    const { id } = await opening;
    payment.dispute = { id, opener: by, status: 'open', evidence: [], events: ['dispute.opened'] };
  });

const addEvidence = (pick: number, by: Who) =>
  onDispute(`evidence by ${by}`, pick, async (dispute, model, real) => {
    // Evidence is listed in the order of its time.
    model.now += 1;
    clock.advance(1);
    const expected =
      by === 'stranger' ? 'dispute_not_found' : undecided(dispute) ? undefined : 'dispute_wrong_state';
    const request = { principal: principalOf(real, by), disputeId: dispute.id, type: 'log', content: 'x' };
    expect(await kindOf(disputes.addEvidence(core, request))).toBe(expected);
    if (expected !== undefined) return;
    dispute.evidence.push(by);
    dispute.events.push('dispute.evidence_added');
  });

const move = (pick: number, step: Step, by: Who) =>
  onDispute(`${step} by ${by}`, pick, async (dispute, model, real, payment) => {
    const expected = refusalToMove(dispute, step, by);
    const request = { principal: principalOf(real, by), disputeId: dispute.id };
    const moving =
      step === 'review' || step === 'withdraw'
        ? disputes[step](core, request)
        : disputes.resolve(core, { ...request, resolution: step });
    expect(await kindOf(moving)).toBe(expected);
    if (expected !== undefined || dispute.status === leadsTo[step]) return;
    dispute.status = leadsTo[step];
    dispute.events.push(`dispute.${leadsTo[step]}`);
    if (step !== 'refund') return;
    const left = payment.amount - payment.refunded;
    const covered = left < model.payee ? left : model.payee;
    payment.refunded = payment.amount;
    model.payer += left;
    model.payee -= covered;
    model.expense += left - covered;
  });

const wait = (ms: number) =>
  command<Model, Real>(`wait ${ms}`, async (model) => {
    model.now += ms;
    clock.advance(ms);
  });

async function setUp(): Promise<{ model: Model; real: Real }> {
  const [payer, payee] = [await signedIn(core, 'Payer'), await signedIn(core, 'Payee')];
  await fund(core, payer, FUNDS);
  const real = { payer, payee, stranger: await signedIn(core, 'Stranger'), expenseBefore: await expense() };
  return { model: { now: clock.now(), payer: FUNDS, payee: 0n, expense: 0n, payments: [] }, real };
}

it('disputes agree with the model, whoever opens, proves, withdraws and decides them, in whatever order', async () => {
  const db = await ownDb();
  try {
    ({ core, clock } = await testCore(db, { random: seededRandom(1) }));
    const pick = fc.nat(3);
    const who = fc.constantFrom<Who>('payer', 'payee', 'stranger', 'operator');
    const party = fc.constantFrom<Who>('payer', 'payee');
    const step = fc.constantFrom<Step>('review', 'withdraw', 'refund', 'deny');
    const commands = [
      fc.bigInt({ min: 1n, max: 3_000n }).map(pay),
      fc.constant(spend),
      pick.map(refundHalf),
      fc.tuple(pick, party).map((args) => open(...args)),
      fc.tuple(pick, who).map((args) => open(...args)),
      fc.tuple(pick, who).map((args) => addEvidence(...args)),
      fc.tuple(pick, step, who).map((args) => move(...args)),
      fc.tuple(pick, step).map(([n, name]) => move(n, name, name === 'withdraw' ? 'payer' : 'operator')),
      fc.constantFrom(1, DAY_MS, WINDOW_MS).map(wait),
    ];
    const finish = async (model: Model, real: Real) => expectSame(model, real);
    await playSequences(commands, { setUp, finish, runs: 25 });
    expect([...seen].sort()).toEqual(Object.keys(allowed).sort());
    expect(await ledger.verifyLedger(db)).toEqual([]);
    expect(await ledger.verifyChains(core)).toEqual([]);
  } finally {
    await db.close();
  }
});
