import { billing, developers, ledger, type Core, type Principal } from '@agentpay/core';
import type { ManualClock } from '@agentpay/primitives';
import { scratchDb } from '@agentpay/storage';
import fc from 'fast-check';
import { ownDb, testCore } from '../flows/market.js';

/** Random histories of subscriptions and their invoices, against what they ought to be. */
const operator: Principal = {
  party: { id: 'platform', kind: 'platform' },
  scopes: [],
  credentialId: 'admin',
};
const SEAT = 29_000_000n;
const DAY_MS = 86_400_000;
const DUE_DAYS = 14;

let db: Awaited<ReturnType<typeof scratchDb>>;
let core: Core;
let clock: ManualClock;

beforeAll(async () => {
  db = await ownDb();
  ({ core, clock } = await testCore(db));
});
afterAll(() => db.close());

interface ModelSubscription {
  readonly id: string;
  readonly createdAt: Date;
  status: billing.SubscriptionStatus;
  seats: number;
  next: number | null;
  period: number;
}
interface ModelInvoice {
  readonly of: ModelSubscription;
  readonly dueMs: number;
  readonly amount: bigint;
  readonly madeMs: number;
  status: billing.InvoiceStatus;
  overdue: boolean;
}

/** What ought to be, said as simply as it can be. */
function createModel() {
  const subscriptions: ModelSubscription[] = [];
  const invoices: ModelInvoice[] = [];
  const bill = (of: ModelSubscription, amount: bigint) => {
    if (amount === 0n) return;
    const madeMs = clock.now();
    const dueMs = madeMs + DUE_DAYS * DAY_MS;
    invoices.push({ of, dueMs, amount, madeMs, status: 'open', overdue: false });
  };
  const periodOf = ({ createdAt, period }: ModelSubscription) => billing.monthlyPeriod(createdAt, period);
  const unusedOf = (price: bigint, of: ModelSubscription) =>
    billing.prorate(price, periodOf(of), new Date(clock.now())).unused;
  const cancel = (of: ModelSubscription) => {
    if (of.status === 'canceled') return;
    of.status = 'canceled';
    const { start, end } = periodOf(of);
    for (const invoice of invoices.filter((each) => each.of === of && each.status === 'open')) {
      if (invoice.madeMs < start.getTime()) continue;
      invoice.status = 'void';
      bill(
        of,
        billing.prorate(invoice.amount, { start: new Date(invoice.madeMs), end }, new Date(clock.now())).used,
      );
    }
  };
  return {
    subscriptions,
    invoices,
    cancel,
    subscribe(id: string, seats: number) {
      const made: ModelSubscription = {
        id,
        createdAt: new Date(clock.now()),
        status: 'active',
        seats,
        next: null,
        period: 0,
      };
      subscriptions.push(made);
      bill(made, SEAT * BigInt(seats));
    },
    setSeats(of: ModelSubscription, seats: number) {
      if (seats > of.seats) bill(of, unusedOf(SEAT * BigInt(seats - of.seats), of));
      of.next = seats < of.seats ? seats : null;
      of.seats = Math.max(of.seats, seats);
    },
    pay(invoice: ModelInvoice) {
      invoice.status = 'paid';
      const late = invoices.some((each) => each.of === invoice.of && each.status === 'open' && each.overdue);
      if (invoice.of.status === 'past_due' && !late) invoice.of.status = 'active';
    },
    jobs() {
      for (const invoice of invoices) {
        if (invoice.status !== 'open' || invoice.overdue || invoice.dueMs > clock.now()) continue;
        invoice.overdue = true;
        if (invoice.of.status === 'active') invoice.of.status = 'past_due';
      }
      for (const of of subscriptions)
        while (of.status !== 'canceled' && periodOf(of).end.getTime() <= clock.now()) {
          if (of.status === 'past_due') {
            cancel(of);
            break;
          }
          of.period += 1;
          of.seats = of.next ?? of.seats;
          of.next = null;
          bill(of, SEAT * BigInt(of.seats));
        }
    },
  };
}

type Model = ReturnType<typeof createModel>;

const step = fc.oneof(
  fc.record({ kind: fc.constant('subscribe' as const), seats: fc.integer({ min: 1, max: 9 }) }),
  fc.record({
    kind: fc.constant('setSeats' as const),
    which: fc.nat(20),
    seats: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant('pay' as const), which: fc.nat(50) }),
  fc.record({
    kind: fc.constant('wait' as const),
    days: fc.integer({ min: 1, max: 20 }),
    ms: fc.nat(DAY_MS),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function play(
  model: Model,
  principal: Principal,
  ids: Map<ModelInvoice, string>,
  at: Step,
): Promise<void> {
  const pick = <T>(all: readonly T[], which: number) => all[which % Math.max(all.length, 1)];
  switch (at.kind) {
    case 'subscribe': {
      const { subscription } = await billing.subscribe(core, { principal, plan: 'pro', seatCount: at.seats });
      return model.subscribe(subscription.id, at.seats);
    }
    case 'setSeats': {
      const of = pick(model.subscriptions, at.which);
      if (!of) return;
      const done = billing.setSeats(core, { principal, subscriptionId: of.id, seatCount: at.seats });
      if (of.status === 'canceled')
        return expect(done).rejects.toMatchObject({ kind: 'subscription_wrong_state' });
      await done;
      return model.setSeats(of, at.seats);
    }
    case 'cancel': {
      const of = pick(model.subscriptions, at.which);
      if (!of) return;
      await billing.cancel(core, { principal, subscriptionId: of.id });
      return model.cancel(of);
    }
    case 'pay': {
      const invoice = pick(model.invoices, at.which);
      const invoiceId = invoice && ids.get(invoice);
      if (!invoice || invoiceId === undefined) return;
      const done = billing.markPaid(core, { principal: operator, invoiceId, note: 'ACH' });
      if (invoice.status === 'void')
        return expect(done).rejects.toMatchObject({ kind: 'invoice_wrong_state' });
      await done;
      return invoice.status === 'open' ? model.pay(invoice) : undefined;
    }
    case 'wait':
      clock.advance(at.days * DAY_MS + at.ms);
      await billing.noteOverdue(core);
      await billing.renew(core);
      return model.jobs();
  }
}

/** Compares, and learns the ids of invoices that are new: those of one subscription and moment are told apart by their amounts. */
async function compare(model: Model, principal: Principal, ids: Map<ModelInvoice, string>): Promise<void> {
  const { subscriptions } = await billing.listSubscriptions(core, { principal, limit: 100 });
  const shown = subscriptions.map(({ id, status, seatCount, nextSeatCount, period }) => [
    id,
    status,
    seatCount,
    nextSeatCount,
    period,
  ]);
  const wanted = model.subscriptions.map(({ id, status, seats, next, period }) => [
    id,
    status,
    seats,
    next,
    period,
  ]);
  expect(shown.sort()).toEqual(wanted.sort());
  const { invoices, total } = await billing.list(core, { principal, limit: 100 });
  expect(total).toBe(model.invoices.length);
  const key = (of: string, madeMs: number, amount: bigint, status: string) =>
    `${of} ${madeMs} ${amount} ${status}`;
  const left = invoices.map((each) => ({
    ...each,
    key: key(each.subscriptionId as string, each.createdAt.getTime(), each.amount, each.status),
  }));
  for (const invoice of model.invoices) {
    const text = key(invoice.of.id, invoice.madeMs, invoice.amount, invoice.status);
    const known = ids.get(invoice);
    const index = left.findIndex((each) => each.key === text && (known === undefined || each.id === known));
    expect([text, index >= 0]).toEqual([text, true]);
    const [found] = left.splice(index, 1);
    ids.set(invoice, found?.id as string);
    expect(found?.overdue).toBe(invoice.overdue);
  }
}

it('subscriptions and invoices are what a simple account of them says, after any history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const made = await developers.register(core, { email: 'dev@example.com', name: 'Dev Co' });
      const principal: Principal = {
        party: { id: made.developer.id, kind: 'developer' },
        scopes: [],
        credentialId: 'key',
      };
      const model = createModel();
      const ids = new Map<ModelInvoice, string>();
      for (const at of steps) {
        await play(model, principal, ids, at);
        await compare(model, principal, ids);
      }
      const paid = model.invoices.filter(({ status }) => status === 'paid');
      expect((await billing.listReceipts(core, { principal })).total).toBe(paid.length);
      // Nothing of this history is left for the jobs of the next one.
      for (const { id } of model.subscriptions) await billing.cancel(core, { principal, subscriptionId: id });
    }),
    { numRuns: 25 },
  );
  expect(await ledger.verifyLedger(db)).toEqual([]);
});
