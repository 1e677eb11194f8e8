import {
  billing,
  developers,
  disputes,
  jobs,
  ledger,
  orgs,
  parties,
  payments,
  policies,
  wallets,
  type Core,
  type Job,
  type Principal,
} from '@agentpay/core';
import { newId, systemRandom, type Db, type ManualClock, type Tx } from '@agentpay/primitives';
import { ownDb, testCore } from './market.js';

const operator: Principal = {
  party: { id: 'platform', kind: 'platform' },
  scopes: [],
  credentialId: 'admin',
};
const SEAT = 29_000_000n;
const DAY_MS = 86_400_000;

let db: Db;
let core: Core;
let clock: ManualClock;
let owner: Principal;
let orgId: string;

beforeAll(async () => {
  db = await ownDb();
  ({ core, clock } = await testCore(db));
});
beforeEach(async () => {
  owner = await developer();
  ({ id: orgId } = await orgs.create(core, { principal: owner, name: 'Acme Labs' }));
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(() => db.close());

async function developer(): Promise<Principal> {
  const made = await developers.register(core, { email: 'dev@example.com', name: 'Dev Co' });
  return { party: { id: made.developer.id, kind: 'developer' }, scopes: [], credentialId: 'key' };
}

const grant = (amount: bigint) => billing.grant(core, { principal: operator, orgId, amount });
const subscribe = (more: object = { orgId }) =>
  billing.subscribe(core, { principal: owner, plan: 'pro', seatCount: 5, ...more });
const invoicesOf = async (principal = owner) => (await billing.list(core, { principal })).invoices;
const balance = async (account = orgId) => {
  const wallet = await wallets.ofCurrency(db, { ownerId: account, currency: 'USDC' });
  return (await ledger.walletMoney(db, { walletId: wallet?.id as string, asset: 'USDC' })).available;
};
const total = (account: string) => ledger.accountTotal(db, { account, asset: 'USDC' });
const EVENTS = 'select type from events where subject = $1 order by sequence';
const eventsOf = async (subject: string) =>
  (await db.query<{ type: string }>(EVENTS, [subject])).map(({ type }) => type);

const payer = async (amount: bigint) => {
  const made = await party('user');
  const wallet = await db.tx((tx) => wallets.open(core, tx, { ownerId: made.id, currency: 'USDC' }));
  const postings = ledger.movements.granted({ walletId: wallet.id, asset: 'USDC', amount });
  await db.tx((tx) => ledger.post(core, tx, { key: made.id, kind: 'test.fund', postings }));
  return { payerId: made.id, walletId: wallet.id };
};
const seller = async () => {
  const made = await party('gateway');
  await db.tx((tx) => wallets.open(core, tx, { ownerId: made.id, currency: 'USDC' }));
  return { party: made, scopes: [], credentialId: 'key' } satisfies Principal;
};
const authorize = (of: { payerId: string; walletId: string }, { party: { id: gatewayId } }: Principal) =>
  db.tx((tx) => billing.authorize(core, tx, { ...of, gatewayId, amount: 12_000_000n, memo: 'agent call' }));

describe('an invoice', () => {
  it('is paid from the balance of the organization once, however often and concurrently; there is one receipt', async () => {
    await grant(1_000_000_000n);
    const { invoice } = await subscribe();
    const before = await total(ledger.REVENUE_PLANS);
    const pay = () => billing.pay(core, { principal: owner, invoiceId: invoice.id });
    const paid = await Promise.all(Array.from({ length: 10 }, pay));
    expect(new Set(paid.map(({ status }) => status))).toEqual(new Set(['paid']));
    expect(await balance()).toBe(1_000_000_000n - 5n * SEAT);
    expect((await total(ledger.REVENUE_PLANS)) - before).toBe(5n * SEAT);
    const { receipts } = await billing.listReceipts(core, { principal: owner });
    expect(receipts).toMatchObject([{ invoiceId: invoice.id, amount: 5n * SEAT, lines: invoice.lines }]);
    expect(await eventsOf(invoice.id)).toEqual(['invoice.created', 'invoice.paid']);
  });

  it('that was paid outside is marked once, by the operator alone, with a note', async () => {
    const { invoice } = await subscribe({});
    const mark = (principal: Principal) =>
      billing.markPaid(core, { principal, invoiceId: invoice.id, note: 'paid via ACH' });
    expect(() => mark(owner)).toThrow(expect.objectContaining({ kind: 'forbidden' }));
    const before = await total(ledger.BANK);
    expect(await mark(operator)).toMatchObject({ status: 'paid', note: 'paid via ACH', paidFrom: 'outside' });
    expect(await mark(operator)).toMatchObject({ status: 'paid' });
    expect(await total(ledger.BANK)).toBe(before - 5n * SEAT);
  });

  it('is not paid beyond the budget of the organization, nor beyond its balance, and stays open', async () => {
    const { invoice } = await subscribe();
    const pay = billing.pay(core, { principal: owner, invoiceId: invoice.id });
    await expect(pay).rejects.toMatchObject({ kind: 'insufficient_funds' });
    await grant(1_000_000_000n);
    const terms = [{ kind: 'monthly_usdc', amount: SEAT }] as const;
    await orgs.createPolicy(core, { principal: owner, orgId, name: 'Budget Cap', terms });
    await expect(billing.pay(core, { principal: owner, invoiceId: invoice.id })).rejects.toMatchObject({
      kind: 'policy_denied',
      reason: 'org_monthly_limit',
    });
    expect(await invoicesOf()).toMatchObject([{ status: 'open', paidFrom: null }]);
  });

  it('is seen by its customer, by those who pay for it, and by the operator; by nobody else', async () => {
    const { invoice } = await subscribe();
    const { token } = await orgs.invite(core, {
      principal: owner,
      orgId,
      email: 'm@example.com',
      role: 'member',
    });
    const [member, stranger] = [await developer(), await developer()];
    await orgs.accept(core, { principal: member, token });
    for (const principal of [member, stranger]) {
      expect(await invoicesOf(principal)).toEqual([]);
      const get = billing.get(core, { principal, invoiceId: invoice.id });
      await expect(get).rejects.toMatchObject({ kind: 'invoice_not_found' });
    }
    expect(await billing.get(core, { principal: operator, invoiceId: invoice.id })).toEqual(invoice);
  });

  it('that was paid and turned out not to be owed is given back whole, once', async () => {
    await grant(1_000_000_000n);
    const { invoice } = await subscribe();
    await billing.pay(core, { principal: owner, invoiceId: invoice.id });
    const refund = () => db.tx((tx) => billing.refund(core, tx, { invoiceId: invoice.id }));
    await Promise.all(Array.from({ length: 5 }, refund));
    expect(await balance()).toBe(1_000_000_000n);
    expect(await invoicesOf()).toMatchObject([{ status: 'void' }]);
  });
});

describe('a purchase order', () => {
  it('is drawn by invoices that name it, refuses what is above it, and gets back what is not owed any more', async () => {
    const order = { principal: owner, orgId, amount: 6n * SEAT, memo: 'Q2 credits' };
    const { id: purchaseOrderId } = await orgs.createPurchaseOrder(core, order);
    const { subscription } = await subscribe({ orgId, purchaseOrderId });
    const more = subscribe({ orgId, purchaseOrderId, seatCount: 2 });
    await expect(more).rejects.toMatchObject({ kind: 'purchase_order_exhausted' });
    clock.advance(2 * DAY_MS);
    await billing.cancel(core, { principal: owner, subscriptionId: subscription.id });
    const invoices = await invoicesOf();
    const owed = invoices.filter(({ status }) => status === 'open');
    expect(owed).toHaveLength(1);
    const { purchaseOrders } = await orgs.listPurchaseOrders(core, { principal: owner, orgId });
    expect(purchaseOrders).toMatchObject([{ drawn: owed[0]?.amount }]);
    expect(owed[0]?.amount).toBeLessThan(SEAT);
  });
});

describe('a subscription', () => {
  it('is renewed by the job at the end of each month, with an invoice each, and with fewer seats from then on', async () => {
    const { subscription } = await subscribe({});
    const of = { principal: owner, subscriptionId: subscription.id };
    await billing.setSeats(core, { ...of, seatCount: 2 });
    expect((await invoicesOf())[0]).toMatchObject({ amount: 5n * SEAT });
    const invoices = await invoicesOf();
    for (const { id } of invoices)
      await billing.markPaid(core, { principal: operator, invoiceId: id, note: 'ACH' });
    clock.advance(62 * DAY_MS);
    await billing.renew(core);
    expect((await billing.renew(core)).done).toMatchObject({ renewed: 0 });
    expect((await invoicesOf()).map(({ amount }) => amount).sort()).toEqual(
      [5n * SEAT, 2n * SEAT, 2n * SEAT].sort(),
    );
  });

  it('pays for more seats at once, for what is left of the month', async () => {
    const { subscription } = await subscribe({});
    const halfMs = (subscription.periodEnd.getTime() - subscription.createdAt.getTime()) / 2;
    clock.advance(halfMs);
    const more = { principal: owner, subscriptionId: subscription.id, seatCount: 7 };
    const { invoice } = await billing.setSeats(core, more);
    expect(invoice).toMatchObject({ amount: SEAT, status: 'open' });
  });

  it('that is not paid in time is past due, goes on once it is paid, and ends with the month otherwise', async () => {
    const [kept, lost] = [await subscribe({}), await subscribe({})];
    clock.advance(15 * DAY_MS);
    await billing.noteOverdue(core);
    expect((await billing.noteOverdue(core)).done).toMatchObject({ overdue: 0 });
    await billing.markPaid(core, { principal: operator, invoiceId: kept.invoice.id, note: 'ACH' });
    clock.advance(31 * DAY_MS);
    await billing.renew(core);
    const { subscriptions } = await billing.listSubscriptions(core, { principal: owner });
    const statusOf = (id: string) => subscriptions.find((each) => each.id === id)?.status;
    expect([statusOf(kept.subscription.id), statusOf(lost.subscription.id)]).toEqual(['active', 'canceled']);
    expect(await eventsOf(lost.subscription.id)).toEqual([
      'subscription.created',
      'subscription.past_due',
      'subscription.canceled',
    ]);
  });
});

describe('an alert', () => {
  it('tells once a month that the organizations of its owner have spent so much', async () => {
    await grant(1_000_000_000n);
    const { id } = await billing.createAlert(core, { principal: owner, threshold: 5n * SEAT });
    await billing.checkAlerts(core);
    expect(await eventsOf(id)).toEqual([]);
    const { invoice } = await subscribe();
    await billing.pay(core, { principal: owner, invoiceId: invoice.id });
    await Promise.all(Array.from({ length: 5 }, () => billing.checkAlerts(core)));
    expect(await eventsOf(id)).toEqual(['alert.triggered']);
    clock.advance(31 * DAY_MS);
    await billing.checkAlerts(core);
    expect(await eventsOf(id)).toEqual(['alert.triggered']);
    const again = await subscribe();
    await billing.pay(core, { principal: owner, invoiceId: again.invoice.id });
    await billing.checkAlerts(core);
    expect(await eventsOf(id)).toEqual(['alert.triggered', 'alert.triggered']);
    await billing.removeAlert(core, { principal: owner, alertId: id });
    expect(await billing.listAlerts(core, { principal: owner })).toEqual([]);
  });
});

describe('the forecast', () => {
  it('is what was spent in the last 30 days scaled to 30, and the months of subscriptions that begin in them', async () => {
    const gateway = await party('gateway');
    await db.tx((tx) => policies.setOrgs(tx, { partyId: gateway.id, orgs: [orgId] }));
    const wallet = await db.tx((tx) => wallets.open(core, tx, { ownerId: gateway.id, currency: 'USD' }));
    const principal: Principal = { party: gateway, scopes: [], credentialId: 'key' };
    const fund = { principal, walletId: wallet.id, amount: 1_000_000_000n, source: 'test_faucet' };
    await wallets.fund(core, fund);
    const spend = (amount: bigint) =>
      payments.create(core, { principal, fromWalletId: wallet.id, toExternal: 'x', amount });
    const foretold = () => billing.forecast(core, { principal: owner });
    expect(await foretold()).toEqual({ total: 0n, metered: 0n, subscriptions: 0n });
    await spend(10_000_000n);
    clock.advance(10 * DAY_MS);
    expect(await foretold()).toMatchObject({ metered: 30_000_000n });
    await billing.markSpending(core);
    clock.advance(30 * DAY_MS);
    await spend(7_000_000n);
    expect(await foretold()).toMatchObject({ metered: 7_000_000n, total: 7_000_000n });
    await grant(1_000_000_000n);
    const { invoice } = await subscribe({ orgId, seatCount: 1 });
    await billing.pay(core, { principal: owner, invoiceId: invoice.id });
    clock.advance(5 * DAY_MS);
    expect(await foretold()).toMatchObject({ metered: 6_000_000n, subscriptions: SEAT });
  });
});

describe('an authorization', () => {
  it('is completed once for what was used; the rest returns, and the receipt names it', async () => {
    const [from, principal] = [await payer(12_000_000n), await seller()];
    const { id: authorizationId } = await authorize(from, principal);
    const done = { principal, authorizationId, usage: { tokens: 1234 }, amount: 8_000_000n };
    const all = await Promise.all(Array.from({ length: 5 }, () => billing.complete(core, done)));
    expect(new Set(all.map(({ receiptId }) => receiptId)).size).toBe(1);
    expect([await balance(from.payerId), await balance(principal.party.id)]).toEqual([
      4_000_000n,
      7_600_000n,
    ]);
    const receiptId = all[0]?.receiptId as string;
    expect(await billing.getReceipt(core, { principal, receiptId })).toMatchObject({
      amount: 8_000_000n,
      lines: [{ desc: 'agent call', amount: 8_000_000n }],
    });
    const other = billing.complete(core, { ...done, principal: await seller() });
    await expect(other).rejects.toMatchObject({ kind: 'authorization_not_found' });
  });

  it('pays the developer who served, as earnings, and never above what was authorized', async () => {
    const [from, principal, dev] = [await payer(12_000_000n), await seller(), await developer()];
    const { id: authorizationId } = await authorize(from, principal);
    const done = { principal, authorizationId, usage: {}, developerId: dev.party.id };
    await expect(billing.complete(core, { ...done, amount: 12_000_001n })).rejects.toMatchObject({
      kind: 'invalid_amount',
    });
    await billing.complete(core, done);
    expect(await balance(dev.party.id)).toBe(11_400_000n);
    expect(await developers.earnings(core, { principal: dev })).toMatchObject({ total: 11_400_000n });
  });

  it('that is not completed in time returns to the payer, and is refused from then on, job or no job', async () => {
    const [from, principal] = [await payer(12_000_000n), await seller()];
    const { id: authorizationId } = await authorize(from, principal);
    clock.advance(core.settings.billing.authorizationTtlMs);
    const late = () => billing.complete(core, { principal, authorizationId, usage: {} });
    await expect(late()).rejects.toMatchObject({ kind: 'authorization_wrong_state', reason: 'expired' });
    await Promise.all(Array.from({ length: 3 }, () => billing.expireAuthorizations(core)));
    expect(await balance(from.payerId)).toBe(12_000_000n);
    await expect(late()).rejects.toMatchObject({ reason: 'expired' });
  });
});

/** The same, but that nothing can be written about one row. */
function brokenFor(id: string): Core {
  const guarded = (tx: Tx): Tx => ({
    ...tx,
    query: (sql, params = []) =>
      params.flat().includes(id) && !/^\s*select|for update/i.test(sql)
        ? Promise.reject(new Error('This row is broken.'))
        : tx.query(sql, params),
  });
  return { ...core, db: { ...db, tx: (work, options) => db.tx((tx) => work(guarded(tx)), options) } };
}

/** Two of a kind that are due, and what is told of each in the end, or what its payer has again. */
const due: Record<string, () => Promise<{ ids: string[]; told: string[]; payerId?: string }>> = {
  async 'billing.renew'() {
    const ids = [(await subscribe({})).subscription.id, (await subscribe({})).subscription.id];
    clock.advance(32 * DAY_MS);
    return { ids, told: ['subscription.created', 'subscription.renewed'] };
  },
  async 'billing.overdue'() {
    const ids = [(await subscribe({})).invoice.id, (await subscribe({})).invoice.id];
    clock.advance(15 * DAY_MS);
    return { ids, told: ['invoice.created', 'invoice.overdue'] };
  },
  async 'billing.alerts'() {
    const alert = () => billing.createAlert(core, { principal: owner, threshold: 1n });
    const ids = [(await alert()).id, (await alert()).id];
    await grant(1_000_000_000n);
    await billing.pay(core, { principal: owner, invoiceId: (await subscribe()).invoice.id });
    return { ids, told: ['alert.triggered'] };
  },
  async 'billing.expire'() {
    const [from, principal] = [await payer(24_000_000n), await seller()];
    const ids = [(await authorize(from, principal)).id, (await authorize(from, principal)).id];
    clock.advance(core.settings.billing.authorizationTtlMs);
    return { ids, told: [], payerId: from.payerId };
  },
};

it.each(Object.keys(due))('a row that %s cannot work is told of, waits, holds up none', async (name) => {
  const { ids, told, payerId } = await (due[name] as (typeof due)[string])();
  const [broken = '', whole = ''] = ids;
  const seen = async (id: string) => [await eventsOf(id), payerId && (await balance(payerId))];
  const job = jobs.find((each) => each.name === name) as Job;
  const { failures } = await job.run(brokenFor(broken));
  expect(failures).toEqual([{ subject: broken, error: new Error('This row is broken.') }]);
  expect(await seen(whole)).toEqual([told, payerId && 12_000_000n]);
  await job.run(core);
  expect(await seen(broken)).not.toEqual([told, payerId && 24_000_000n]);
  clock.advance(1_000);
  expect((await job.run(core)).failures).toEqual([]);
  expect(await seen(broken)).toEqual([told, payerId && 24_000_000n]);
});

async function party(kind: 'gateway' | 'user') {
  return db.tx(async (tx) => {
    const made = { id: newId('credential', { clock, random: systemRandom }), kind };
    await parties.create(tx, made);
    return made;
  });
}

describe('a dispute about an invoice', () => {
  const open = (invoiceId: string, principal = owner) =>
    disputes.openOnInvoice(core, { principal, invoiceId, reason: 'overcharge' });
  const resolve = (disputeId: string, resolution: 'refund' | 'deny') =>
    disputes.resolve(core, { principal: operator, disputeId, resolution });

  it('is opened once, for its customer; the invoice does not become overdue until it is decided', async () => {
    const { invoice, subscription } = await subscribe();
    await expect(open(invoice.id, await developer())).rejects.toMatchObject({ kind: 'invoice_not_found' });
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => open(invoice.id)));
    const opened = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(opened).toMatchObject([{ status: 'open', invoiceId: invoice.id, paymentId: null }]);
    clock.advance(15 * DAY_MS);
    await billing.noteOverdue(core);
    expect(await invoicesOf()).toMatchObject([{ overdue: false, disputed: true }]);
    await resolve(opened[0]?.id as string, 'deny');
    await billing.noteOverdue(core);
    expect(await invoicesOf()).toMatchObject([{ overdue: true, disputed: false, status: 'open' }]);
    expect(subscription.status).toBe('active');
  });

  it('that is approved makes an open invoice void, and gives a paid one back once, however often it is decided', async () => {
    await grant(1_000_000_000n);
    const [unpaid, paid] = [(await subscribe()).invoice, (await subscribe()).invoice];
    await billing.pay(core, { principal: owner, invoiceId: paid.id });
    for (const { id } of [unpaid, paid]) {
      const dispute = await open(id);
      await Promise.all(Array.from({ length: 5 }, () => resolve(dispute.id, 'refund')));
    }
    expect((await invoicesOf()).map(({ status }) => status)).toEqual(['void', 'void']);
    expect(await balance()).toBe(1_000_000_000n);
    const { disputes: mine } = await disputes.list(core, { principal: owner });
    expect(mine.map(({ status }) => status)).toEqual(['resolved_refunded', 'resolved_refunded']);
  });
});
