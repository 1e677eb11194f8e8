import { ledger, payments } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { fund, money, ownDb, signedIn, testCore } from './market.js';
import type { SignedIn } from './market.js';

let db: Db;
let core: Core;
let clock: ManualClock;
let payer: SignedIn;
let payee: SignedIn;

beforeAll(async () => {
  db = await ownDb();
  ({ core, clock } = await testCore(db));
});
beforeEach(async () => {
  payer = await signedIn(core, 'Payer');
  payee = await signedIn(core, 'Payee');
  await fund(core, payer, 100_000_000n);
});
afterEach(async () => {
  expect(await ledger.verifyLedger(db)).toEqual([]);
  expect(await ledger.verifyChains(core)).toEqual([]);
});
afterAll(() => db.close());

const refused = (kind: string, more = {}) =>
  expect.objectContaining({ name: 'AgentPayError', kind, ...more });

function pay(request: Partial<payments.PaymentRequest> = {}) {
  const payeeOf = request.toExternal === undefined ? { toWalletId: payee.walletId } : {};
  return payments.create(core, {
    principal: payer.principal,
    fromWalletId: payer.walletId,
    amount: 5_000_000n,
    ...payeeOf,
    ...request,
  });
}

describe('an internal payment', () => {
  it('moves the amount to the payee, the fee on top to the platform, and tells of it', async () => {
    const earned = await ledger.accountTotal(db, { account: ledger.REVENUE_PAYMENT, asset: 'USD' });
    const payment = await pay({ description: 'Market data query' });
    expect(payment).toMatchObject({
      amount: 5_000_000n,
      fee: 20_000n,
      status: 'completed',
      rail: 'internal',
    });
    expect(payments.totalDebited(payment)).toBe(5_020_000n);
    expect(await money(core, payer)).toEqual({ available: 94_980_000n, held: 0n });
    expect(await money(core, payee)).toEqual({ available: 5_000_000n, held: 0n });
    expect(await ledger.accountTotal(db, { account: ledger.REVENUE_PAYMENT, asset: 'USD' })).toBe(
      earned + 20_000n,
    );
    const [event] = await db.query<{ type: string; audience: string[]; data: object }>(
      'select type, audience, data from events where subject = $1',
      [payment.id],
    );
    expect(event).toMatchObject({
      type: 'payment.completed',
      audience: [payer.agent.id, payee.agent.id],
      data: { id: payment.id, amount: '5', fee: '0.02', total_debited: '5.02', status: 'completed' },
    });
    expect(await payments.get(core, { principal: payee.principal, paymentId: payment.id })).toEqual(payment);
  });

  it('to somebody outside is owed to the label', async () => {
    const payment = await pay({ toExternal: 'merchant:demo' });
    expect(payment).toMatchObject({ payeeId: null, payeeExternal: 'merchant:demo', status: 'completed' });
    expect(await ledger.accountTotal(db, { account: 'ext:merchant:demo', asset: 'USD' })).toBe(5_000_000n);
  });

  it('needs the money for amount and fee, and leaves nothing behind without it', async () => {
    await expect(pay({ amount: 99_700_000n })).rejects.toEqual(refused('insufficient_funds'));
    const rows = await db.query('select 1 from payments where payer_id = $1', [payer.agent.id]);
    expect(rows).toEqual([]);
    expect(await money(core, payer)).toEqual({ available: 100_000_000n, held: 0n });
  });

  it.each([
    ['no payee', { toWalletId: undefined }, 'invalid_request'],
    ['two payees', { toWalletId: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b', toExternal: 'x' }, 'invalid_request'],
    ['an unknown payee', { toWalletId: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b' }, 'wallet_not_found'],
    ['an unknown wallet', { fromWalletId: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b' }, 'wallet_not_found'],
    ['nothing', { amount: 0n }, 'invalid_amount'],
    ['too much', { amount: 10n ** 16n }, 'invalid_amount'],
    ['another currency', { currency: 'EUR' }, 'currency_mismatch'],
    ['a rail that nobody knows', { rail: 'pigeon' }, 'invalid_request'],
    ['a rail that is not configured', { rail: 'stripe' }, 'settlement_not_configured'],
  ])('of %s is refused', async (_what, request, kind) => {
    await expect(pay(request as never)).rejects.toEqual(refused(kind));
    expect(await money(core, payer)).toEqual({ available: 100_000_000n, held: 0n });
  });

  it('from a wallet of somebody else, or to itself, is refused', async () => {
    await expect(pay({ principal: payee.principal, toExternal: 'x' })).rejects.toEqual(
      refused('wallet_not_found'),
    );
    await expect(pay({ toWalletId: payer.walletId })).rejects.toEqual(refused('invalid_request'));
  });
});

describe('an idempotency key', () => {
  it('gives the first payment again and pays nothing', async () => {
    const first = await pay({ idempotencyKey: 'order-1' });
    expect(await pay({ idempotencyKey: 'order-1' })).toEqual(first);
    expect(await money(core, payee)).toEqual({ available: 5_000_000n, held: 0n });
  });

  it("is refused for another payment, and is the payer's own", async () => {
    await pay({ idempotencyKey: 'order-1' });
    await expect(pay({ idempotencyKey: 'order-1', amount: 1n })).rejects.toEqual(refused('conflict'));
    await fund(core, payee, 10_000_000n);
    const other = await pay({
      principal: payee.principal,
      fromWalletId: payee.walletId,
      toWalletId: payer.walletId,
      idempotencyKey: 'order-1',
    });
    expect(other.payerId).toBe(payee.agent.id);
  });

  it('shared by calls at the same moment makes one payment', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => pay({ idempotencyKey: 'order-1' })));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(await money(core, payee)).toEqual({ available: 5_000_000n, held: 0n });
  });
});

describe('a trace', () => {
  it('has what the books have of a payment and its refunds, and what was told of it, for its two sides', async () => {
    const { id } = await pay();
    await pay();
    clock.advance(1);
    await payments.refund(core, { principal: payee.principal, paymentId: id, amount: 2_000_000n });
    const [of, to] = [payer, payee].map(({ walletId }) => `w:${walletId}:avail`);
    const told = await payments.trace(core, { principal: payee.principal, paymentId: id });
    expect(told.payment).toMatchObject({ id, refunded: 2_000_000n });
    expect(told.journals.map(({ kind, postings }) => [kind, postings])).toEqual([
      [
        'payment',
        [
          { account: of, asset: 'USD', amount: -5_020_000n },
          { account: ledger.REVENUE_PAYMENT, asset: 'USD', amount: 20_000n },
          { account: to, asset: 'USD', amount: 5_000_000n },
        ],
      ],
      [
        'payment.refund',
        [
          { account: to, asset: 'USD', amount: -2_000_000n },
          { account: of, asset: 'USD', amount: 2_000_000n },
        ],
      ],
    ]);
    expect(told.events[0]).toMatchObject({ type: 'payment.completed', subject: id });
    const other = (await signedIn(core, 'Other')).principal;
    await expect(payments.trace(core, { principal: other, paymentId: id })).rejects.toEqual(
      refused('payment_not_found'),
    );
  });
});

describe('a refund', () => {
  it('gives the principal back, in parts and then whole; the fee stays', async () => {
    const { id: paymentId } = await pay();
    const back = (amount?: bigint) =>
      payments.refund(core, { principal: payee.principal, paymentId, amount });
    expect(await back(2_000_000n)).toMatchObject({ status: 'completed', refunded: 2_000_000n });
    await expect(back(3_000_001n)).rejects.toEqual(refused('invalid_amount'));
    expect(await back()).toMatchObject({ status: 'refunded', refunded: 5_000_000n });
    expect(await back()).toMatchObject({ status: 'refunded', refunded: 5_000_000n });
    expect(await money(core, payer)).toEqual({ available: 99_980_000n, held: 0n });
    expect(await money(core, payee)).toEqual({ available: 0n, held: 0n });
  });

  it('is not for the payer, nor for strangers', async () => {
    const { id: paymentId } = await pay();
    const stranger = await signedIn(core, 'Stranger');
    const by = (principal: SignedIn['principal']) => payments.refund(core, { principal, paymentId });
    await expect(by(payer.principal)).rejects.toEqual(refused('forbidden'));
    await expect(by(stranger.principal)).rejects.toEqual(refused('payment_not_found'));
  });

  it('needs the money of the payee', async () => {
    const { id: paymentId } = await pay();
    const spent = { principal: payee.principal, fromWalletId: payee.walletId, toExternal: 'x' };
    await payments.create(core, { ...spent, amount: 4_000_000n });
    await expect(payments.refund(core, { principal: payee.principal, paymentId })).rejects.toEqual(
      refused('insufficient_funds'),
    );
  });
});

describe('the list of payments', () => {
  it('is paged by cursor without gaps or repeats while payments arrive, and filtered', async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n++) {
      made.unshift((await pay({ amount: 1n })).id);
      clock.advance(1_000);
    }
    const seen: string[] = [];
    for (let cursor: string | null | undefined = ''; cursor !== null;) {
      const page: Awaited<ReturnType<typeof payments.list>> = await payments.list(core, {
        principal: payer.principal,
        limit: 2,
        cursor,
      });
      seen.push(...page.payments.map(({ id }) => id));
      cursor = page.nextCursor;
      await payments.create(core, {
        principal: payer.principal,
        fromWalletId: payer.walletId,
        toExternal: 'late',
        amount: 1n,
      });
    }
    expect(seen).toEqual(made);
    const list = (filter: object) => payments.list(core, { principal: payee.principal, ...filter });
    expect(await list({})).toMatchObject({ total: 5 });
    expect(await list({ limit: 1, offset: 4 })).toMatchObject({ payments: [{ id: made[4] }], total: 5 });
    expect(await list({ status: 'failed' })).toMatchObject({ payments: [], total: 0 });
    expect(await list({ rail: 'internal' })).toMatchObject({ total: 5 });
    const middle = (await payments.get(core, { principal: payee.principal, paymentId: made[2] as string }))
      .createdAt;
    expect((await list({ createdAfter: middle })).payments.map(({ id }) => id)).toEqual(made.slice(0, 2));
    expect((await list({ createdBefore: middle })).payments.map(({ id }) => id)).toEqual(made.slice(3));
    await expect(list({ cursor: 'bm9uZQ' })).rejects.toEqual(refused('invalid_request'));
  });
});
