import { disputes, events, parties, payments, type Core, type Principal } from '@agentpay/core';
import type { ManualClock } from '@agentpay/primitives';
import { pgDb, type ScratchDb } from '@agentpay/storage';
import { outside, scriptedRail } from '../model/scriptedRail.js';
import { contradictions } from '../stress/books.js';
import { fund, money, ownDb, signedIn, testCore, type SignedIn } from './market.js';

/** What the platform gave back in place of a payee, who gets money later. */
const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };
const PAID = 5_000_000n;

let scratch: ScratchDb;
/** Two replicas on one database. */
let core: Core;
let other: Core;
let clock: ManualClock;
let payer: SignedIn;
let payee: SignedIn;

beforeAll(async () => {
  scratch = await ownDb();
  const rails = { 'base-usdc': scriptedRail(outside()) };
  const first = await testCore(pgDb({ url: scratch.url, max: 8 }), { rails });
  ({ core, clock } = first);
  other = { ...(await testCore(pgDb({ url: scratch.url, max: 8 }))).core, clock };
});
beforeEach(async () => {
  [payer, payee] = [await signedIn(core, 'Payer'), await signedIn(core, 'Payee')];
  await fund(core, payer, 100_000_000n);
});
afterEach(async () => expect(await contradictions(core.db)).toEqual([]));
afterAll(async () => {
  await Promise.all([core.db.close(), other.db.close()]);
  await scratch.close();
});

type To = Pick<payments.PaymentRequest, 'toWalletId' | 'toExternal' | 'rail'>;

const pay = (from: SignedIn, to: To, amount: bigint) =>
  payments.create(core, { principal: from.principal, fromWalletId: from.walletId, amount, ...to });

async function giveBack(paymentId: string): Promise<void> {
  const { principal } = payer;
  const { id: disputeId } = await disputes.open(core, { principal, paymentId, reason: 'It never came.' });
  await disputes.resolve(core, { principal: operator, disputeId, resolution: 'refund' });
}

/** A payment that the payee has spent, and that a dispute gives back. */
async function claimed(): Promise<string> {
  const { id } = await pay(payer, { toWalletId: payee.walletId }, PAID);
  await pay(payee, { toExternal: 'shop' }, (PAID * 1_000n) / 1_004n);
  await giveBack(id);
  return id;
}
const claimOn = async (paymentId: string, all = true) =>
  (await payments.listClaims(core, { all, limit: 100 })).claims.find(
    (claim) => claim.paymentId === paymentId,
  );
const collect = async (by = core) => expect((await payments.collectClaims(by)).failures).toEqual([]);

it('what the payee lacked is a claim, and is taken from what comes to them later, and no more', async () => {
  const id = await claimed();
  expect((await money(core, payee)).available).toBe(0n);
  const claim = await claimOn(id, false);
  expect(claim).toMatchObject({ payeeId: payee.agent.id, currency: 'USD', collected: 0n });
  const { claimed: whole } = claim as payments.RefundClaim;
  expect(whole > 4_900_000n && whole <= PAID).toBe(true);
  await collect();
  expect(await claimOn(id)).toMatchObject({ collected: 0n });

  await fund(core, payee, 1_000_000n);
  await collect();
  expect(await claimOn(id)).toMatchObject({ collected: 1_000_000n });
  expect((await money(core, payee)).available).toBe(0n);

  await fund(core, payee, 50_000_000n);
  await Promise.all([collect(), collect(other), collect(), collect(other)]);
  expect(await claimOn(id)).toMatchObject({ claimed: whole, collected: whole });
  expect(await claimOn(id, false)).toBeUndefined();
  expect((await money(core, payee)).available).toBe(50_000_000n - (whole - 1_000_000n));
  const told = await events.history(core.db, { subject: id });
  expect(told.filter(({ type }) => type === 'payment.claim_collected')).toHaveLength(2);
});

it('the payee spends and two replicas collect at once: nothing is taken twice, and nothing falls below zero', async () => {
  const id = await claimed();
  for (let round = 0; round < 5; round++) {
    await fund(core, payee, 1_000_000n);
    const spending = [1, 2, 3].map(() => pay(payee, { toExternal: 'shop' }, 300_000n).catch(() => undefined));
    await Promise.all([...spending, collect(), collect(other)]);
  }
  await collect();
  const { claimed: whole, collected } = (await claimOn(id)) as payments.RefundClaim;
  expect(collected > 0n && collected <= whole).toBe(true);
});

it('what somebody owes who is not on the platform stays on the list', async () => {
  const to = { toExternal: `0x${'1'.repeat(40)}`, rail: 'base-usdc' };
  const { id: paymentId } = await pay(payer, to, PAID);
  await payments.progress(core, { limit: 10 });
  await giveBack(paymentId);
  await collect();
  const open = await claimOn(paymentId, false);
  expect(open).toMatchObject({ payeeId: null, payeeExternal: to.toExternal, claimed: PAID, collected: 0n });
});
