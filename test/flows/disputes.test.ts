import {
  disputes,
  events,
  ledger,
  marketplace,
  payments,
  tokens,
  type Core,
  type Principal,
} from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import fc from 'fast-check';
import { fund, market, ownDb, signedIn, testCore, type SignedIn } from './market.js';

const operator: Principal = {
  party: { id: 'platform', kind: 'platform' },
  scopes: [],
  credentialId: 'admin',
};
const PRICE = 5_000_000n;
const FEE = 20_000n;
const DAY_MS = 24 * 60 * 60 * 1000;

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
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(() => db.close());

const pay = (to: Partial<payments.PaymentRequest> = { toWalletId: payee.walletId }) =>
  payments.create(core, { principal: payer.principal, fromWalletId: payer.walletId, amount: PRICE, ...to });

const open = (paymentId: string, by = payer) =>
  disputes.open(core, { principal: by.principal, paymentId, reason: 'service_not_delivered' });

const money = async ({ walletId }: SignedIn) =>
  (await ledger.walletMoney(db, { walletId, asset: 'USD' })).available;

describe('a decision to refund', () => {
  it('gives the payer the amount back; the fee stays with the platform', async () => {
    const { id: paymentId } = await pay();
    const dispute = await open(paymentId);
    const decided = await disputes.resolve(core, {
      principal: operator,
      disputeId: dispute.id,
      resolution: 'refund',
    });
    expect(decided).toMatchObject({ status: 'resolved_refunded', resolvedAt: new Date(clock.now()) });
    expect([await money(payer), await money(payee)]).toEqual([100_000_000n - FEE, 0n]);
    expect(await payments.get(core, { principal: payer.principal, paymentId })).toMatchObject({
      status: 'refunded',
    });
  });

  it('takes from the payee what it has, and the rest from the platform', async () => {
    const { id: paymentId } = await pay();
    const away = { principal: payee.principal, fromWalletId: payee.walletId, toExternal: 'somebody' };
    await payments.create(core, { ...away, amount: 4_000_000n });
    const left = await money(payee);
    const { id: disputeId } = await open(paymentId);
    await disputes.resolve(core, { principal: operator, disputeId, resolution: 'refund' });
    expect([await money(payer), await money(payee)]).toEqual([100_000_000n - FEE, 0n]);
    expect(left).toBeLessThan(PRICE);
  });

  it('gives back what is left of a payment that was refunded in part, and external payees are owed less', async () => {
    const { id: paymentId } = await pay();
    await payments.refund(core, { principal: payee.principal, paymentId, amount: 2_000_000n });
    const external = await pay({ toExternal: 'merchant:demo' });
    for (const id of [paymentId, external.id]) {
      const { id: disputeId } = await open(id);
      await disputes.resolve(core, { principal: operator, disputeId, resolution: 'refund' });
    }
    expect(await money(payer)).toBe(100_000_000n - 2n * FEE);
  });

  it('moves the money once, however often and concurrently it is made', async () => {
    const { id: paymentId } = await pay();
    const { id: disputeId } = await open(paymentId);
    const resolve = () => disputes.resolve(core, { principal: operator, disputeId, resolution: 'refund' });
    await Promise.all(Array.from({ length: 10 }, resolve));
    expect(await money(payer)).toBe(100_000_000n - FEE);
  });
});

describe('about a call that was paid by token', () => {
  let place: Awaited<ReturnType<typeof market>>;
  beforeEach(async () => {
    place = await market(core);
  });

  async function settled() {
    const { seller, buyer, service } = place;
    const { signed, token } = await tokens.authorize(core, {
      principal: buyer.principal,
      serviceId: service.id,
      walletId: buyer.walletId,
    });
    const bySeller = { principal: seller.principal, tokenId: token.id };
    await tokens.verify(core, { principal: seller.principal, token: signed });
    await tokens.callStarted(core, bySeller);
    await tokens.callAccepted(core, bySeller);
    await tokens.callCompleted(core, bySeller);
    const { paymentId } = await tokens.get(core, bySeller);
    return { bySeller, paymentId: paymentId as string };
  }

  const trust = async () => (await marketplace.get(core, { serviceId: place.service.id })).trustScore;
  const told = async (subject: string) => (await events.history(db, { subject })).map(({ type }) => type);

  it('a decision to refund takes the token back and ten points of trust, once', async () => {
    const { bySeller, paymentId } = await settled();
    const { id: disputeId } = await open(paymentId, place.buyer);
    const resolve = () => disputes.resolve(core, { principal: operator, disputeId, resolution: 'refund' });
    await Promise.all(Array.from({ length: 5 }, resolve));
    expect(await tokens.get(core, bySeller)).toMatchObject({ state: 'refunded', paymentId, deadline: null });
    expect(await trust()).toBe(41);
    expect([await money(place.buyer), await money(place.seller)]).toEqual([1_000_000n, 0n]);
    expect(await told(bySeller.tokenId)).toEqual(['token.reserved', 'token.settled', 'token.refunded']);
    await expect(tokens.callCompleted(core, bySeller)).rejects.toMatchObject({
      kind: 'token_wrong_state',
      reason: 'refunded',
    });
  });

  it('the decision stands against the token also when its seller has given everything back meanwhile', async () => {
    const { bySeller, paymentId } = await settled();
    await fund(core, place.seller, 1_000_000n);
    const { id: disputeId } = await open(paymentId, place.buyer);
    await payments.refund(core, { principal: place.seller.principal, paymentId });
    const before = await money(place.buyer);
    await disputes.resolve(core, { principal: operator, disputeId, resolution: 'refund' });
    expect((await tokens.get(core, bySeller)).state).toBe('refunded');
    expect([await trust(), await money(place.buyer)]).toEqual([41, before]);
  });

  it('nothing else costs trust or changes the token: no denial, and no refund that the seller makes by itself', async () => {
    const denied = await settled();
    const { id: disputeId } = await open(denied.paymentId, place.buyer);
    await disputes.resolve(core, { principal: operator, disputeId, resolution: 'deny' });
    const given = await settled();
    await fund(core, place.seller, 1_000_000n);
    await payments.refund(core, { principal: place.seller.principal, paymentId: given.paymentId });
    const state = async ({ bySeller }: typeof given) => (await tokens.get(core, bySeller)).state;
    expect([await state(denied), await state(given), await trust()]).toEqual(['settled', 'settled', 52]);
  });
});

describe('opening', () => {
  it('is for payer and payee, once per payment also when both try at once', async () => {
    const { id } = await pay();
    const tried = await Promise.allSettled([open(id), open(id, payee), open(id), open(id, payee)]);
    const refused = tried.filter((each) => each.status === 'rejected');
    expect(refused).toHaveLength(3);
    for (const { reason } of refused) expect(reason).toMatchObject({ kind: 'duplicate_dispute' });
    const stranger = await signedIn(core, 'Stranger');
    await expect(open(id, stranger)).rejects.toMatchObject({ kind: 'payment_not_found' });
  });

  it('is for completed payments within thirty days', async () => {
    const late = await pay();
    const refunded = await pay();
    await payments.refund(core, { principal: payee.principal, paymentId: refunded.id });
    await expect(open(refunded.id)).rejects.toMatchObject({ kind: 'payment_wrong_state' });
    clock.advance(30 * DAY_MS + 1);
    await expect(open(late.id)).rejects.toMatchObject({ kind: 'dispute_window_closed' });
  });
});

it('a payment that another instance gave back cannot be disputed by an instance that knew it before', async () => {
  const { core: knowing } = await testCore(db);
  const request = { principal: payer.principal, fromWalletId: payer.walletId, amount: PRICE };
  const { id: paymentId } = await payments.create(knowing, { ...request, toWalletId: payee.walletId });
  await payments.refund(core, { principal: payee.principal, paymentId });
  const opening = disputes.open(knowing, { principal: payer.principal, paymentId, reason: 'not_delivered' });
  await expect(opening).rejects.toMatchObject({ kind: 'payment_wrong_state' });
});

describe('evidence', () => {
  it('comes from both sides until the dispute is decided', async () => {
    const { id: disputeId } = await open((await pay()).id);
    const add = (by: SignedIn) =>
      disputes.addEvidence(core, {
        principal: by.principal,
        disputeId,
        type: 'log_excerpt',
        content: 'nothing',
      });
    await add(payer);
    clock.advance(1);
    await disputes.review(core, { principal: operator, disputeId });
    await add(payee);
    const { evidence } = await disputes.get(core, { principal: payer.principal, disputeId });
    expect(evidence.map(({ partyId }) => partyId)).toEqual([payer.agent.id, payee.agent.id]);
    await disputes.resolve(core, { principal: operator, disputeId, resolution: 'deny', note: 'Delivered.' });
    await expect(add(payer)).rejects.toMatchObject({
      kind: 'dispute_wrong_state',
      reason: 'resolved_denied',
    });
  });
});

it('every order of events leads where the state table says, and money moves only by a decision to refund', async () => {
  const may: Record<string, Record<string, string>> = {
    open: {
      review: 'under_review',
      withdraw: 'withdrawn',
      refund: 'resolved_refunded',
      deny: 'resolved_denied',
    },
    under_review: { refund: 'resolved_refunded', deny: 'resolved_denied' },
  };
  const ends: Record<string, string> = {
    review: 'under_review',
    withdraw: 'withdrawn',
    refund: 'resolved_refunded',
    deny: 'resolved_denied',
  };
  const event = fc.constantFrom('review', 'withdraw', 'refund', 'deny');
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 5 }), async (events) => {
      const before = await money(payer);
      const { id: disputeId } = await open((await pay()).id);
      let state = 'open';
      for (const name of events) {
        const done = await apply(name, disputeId).catch((error: { kind: string }) => error.kind);
        const to = may[state]?.[name] ?? (ends[name] === state ? state : undefined);
        expect(done).toBe(to ?? 'dispute_wrong_state');
        state = to ?? state;
      }
      const paid = state === 'resolved_refunded' ? FEE : PRICE + FEE;
      expect(await money(payer)).toBe(before - paid);
    }),
    { numRuns: 15 },
  );
});

async function apply(name: string, disputeId: string): Promise<string> {
  if (name === 'review') return (await disputes.review(core, { principal: operator, disputeId })).status;
  if (name === 'withdraw')
    return (await disputes.withdraw(core, { principal: payer.principal, disputeId })).status;
  const resolution = name as 'refund' | 'deny';
  return (await disputes.resolve(core, { principal: operator, disputeId, resolution })).status;
}

it('only the operator reviews and decides, and only the opener withdraws', async () => {
  const { id: disputeId } = await open((await pay()).id);
  const { principal } = payee;
  await expect(disputes.review(core, { principal, disputeId })).rejects.toMatchObject({ kind: 'forbidden' });
  await expect(disputes.resolve(core, { principal, disputeId, resolution: 'deny' })).rejects.toMatchObject({
    kind: 'forbidden',
  });
  await expect(disputes.withdraw(core, { principal, disputeId })).rejects.toMatchObject({
    kind: 'forbidden',
  });
  const { disputes: seen, total } = await disputes.list(core, { principal, status: 'open' });
  expect([seen.map(({ id }) => id), total]).toEqual([[disputeId], 1]);
  expect((await disputes.list(core, { principal: operator })).total).toBeGreaterThanOrEqual(1);
});
