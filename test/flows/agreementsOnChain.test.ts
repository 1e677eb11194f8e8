import { agreements, disputes, ledger, parties } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import { ADMIN_KEY, market, ownDb, PEPPER, testCore, type SignedIn } from './market.js';
import { mortalCore } from './mortalCore.js';
import { paperEscrow, signed, type PaperEscrow } from './paperEscrow.js';
import { paperChains, paperFees, signedFee, type PaperFees } from './paperFees.js';

const BUYER = `0x${'b'.repeat(40)}`;
const SELLER = `0x${'c'.repeat(40)}`;
const CAP = 100n;
const USED = 20n;
const FEE = 100_000n;
const WINDOW_MS = 2_000;
/** Longer than a process has a step to itself. */
const UNTIL_OTHERS_MAY_MS = 125_000;
const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };
const settings = {
  identity: { pepper: PEPPER, adminKeys: [ADMIN_KEY] },
  agreements: { proposalMs: 3_600_000 },
};

let db: Db;
let core: Core;
let clock: ManualClock;
let escrow: PaperEscrow;
let fees: PaperFees;
let buyer: SignedIn;
let seller: SignedIn;
let serviceId: string;

beforeAll(async () => {
  db = await ownDb();
  escrow = paperEscrow(() => Math.floor(clock.now() / 1000));
  fees = paperFees();
  const ports = { escrow, feeWallet: fees, chains: paperChains };
  ({ core, clock } = await testCore(db, { settings, ...ports }));
  const made = await market(core);
  [buyer, seller, serviceId] = [made.buyer, made.seller, made.service.id];
});
beforeEach(async () => {
  escrow.script = [];
  // Whatever a test before has left under way is ended.
  clock.advance(UNTIL_OTHERS_MAY_MS);
  await relay();
  escrow.holds.clear();
  fees.script = [];
  fees.collected.clear();
  fees.returned.clear();
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(() => db.close());

async function accepted(): Promise<string> {
  const { id } = await agreements.propose(core, {
    principal: buyer.principal,
    serviceId,
    buyerAddress: BUYER,
    terms: { cap: CAP, unitPrice: 10n, challengeSeconds: WINDOW_MS / 1000 },
  });
  await agreements.accept(core, { principal: seller.principal, agreementId: id, sellerAddress: SELLER });
  return id;
}

const ofBuyer = (agreementId: string) => ({ principal: buyer.principal, agreementId });
const read = (id: string) => agreements.get(core, ofBuyer(id));
const relay = (on = core) => agreements.relay(on, { limit: 100 });

/** What the buyer signs by the activation package. */
async function proofOf(id: string, on = core): Promise<{ signature: Hex; feePermit: Hex }> {
  const { intent, fee } = await agreements.activationPackage(on, ofBuyer(id));
  const signature = signed(intent as agreements.TypedData);
  return { signature, feePermit: fee ? signedFee(fee.permit) : '0x' };
}

async function activate(id: string, on = core): Promise<agreements.Agreement> {
  return agreements.activate(on, { ...ofBuyer(id), ...(await proofOf(id, on)) });
}

/** Usage, its end, and what the clock does then. */
async function use(id: string, on = core): Promise<void> {
  const counted = { principal: seller.principal, agreementId: id, units: 2n, eventId: 'calls' };
  await agreements.record(on, counted);
  await agreements.complete(on, ofBuyer(id));
  clock.advance(WINDOW_MS);
  await agreements.work(on, { limit: 100 });
}

/** What the books have in escrow for an agreement. */
const booked = async (id: string) =>
  ledger.accountTotal(db, { account: ledger.escrow(id), asset: escrow.asset });

/** What the books have earned by fees. */
const feesBooked = () => ledger.accountTotal(db, { account: ledger.REVENUE_INFRA, asset: escrow.asset });

const only = () => {
  const [hold, ...others] = escrow.holds.values();
  expect(others).toEqual([]);
  return hold;
};

/** Settled, paid once and given back once; the books have nothing left of it. */
async function expectSettled(id: string, paid = USED): Promise<void> {
  expect(await read(id)).toMatchObject({ status: 'settled', paid, used: USED });
  expect(only()).toEqual({ cap: CAP, capturable: 0n, captured: paid, returned: CAP - paid });
  expect(await booked(id)).toBe(0n);
}

const mortal = (after: number) => mortalCore(core, { after, settings, escrow, feeWallet: fees });

const MOST_EFFECTS = 60;

describe('a process that dies', () => {
  it('within an activation, after whatever step: others end it, funded once', async () => {
    for (let n = 1; ; n++) {
      expect(n).toBeLessThan(MOST_EFFECTS);
      escrow.holds.clear();
      const id = await accepted();
      const { core: dying, hasDied } = mortal(n);
      const failures = await activate(id, dying)
        .then(() => relay(dying))
        .catch(() => undefined);
      if (!hasDied()) {
        expect(failures).toEqual({ done: { relayed: 1 }, failures: [] });
        break;
      }
      clock.advance(UNTIL_OTHERS_MAY_MS);
      // Whoever did not hear that it was taken says it again.
      if ((await read(id)).status === 'accepted') await activate(id);
      await relay();
      expect([n, (await read(id)).status, only()?.capturable]).toEqual([n, 'active', CAP]);
      expect(await booked(id)).toBe(CAP);
      expect([...fees.collected.values()]).toEqual([FEE]);
      fees.collected.clear();
    }
  });

  it('within a settlement, after whatever step: others end it, paid once, the rest given back once', async () => {
    for (let n = 1; ; n++) {
      expect(n).toBeLessThan(MOST_EFFECTS);
      escrow.holds.clear();
      const id = await accepted();
      await activate(id);
      await relay();
      const { core: dying, hasDied } = mortal(n);
      const finished = await use(id, dying)
        .then(() => relay(dying))
        .catch(() => undefined);
      if (!hasDied()) {
        expect(finished).toEqual({ done: { relayed: 1 }, failures: [] });
        await expectSettled(id);
        break;
      }
      clock.advance(UNTIL_OTHERS_MAY_MS);
      // Whoever did not hear that it was done says it again.
      const { status } = await read(id);
      if (status === 'active') await use(id);
      await agreements.work(core, { limit: 100 });
      clock.advance(WINDOW_MS);
      await agreements.work(core, { limit: 100 });
      await relay();
      await expectSettled(id);
    }
  });
});

describe('what is not known', () => {
  it.each(['lost', 'broken'] as const)(
    'of an activation (%s) is asked again, and funds once',
    async (how) => {
      const id = await accepted();
      await activate(id);
      escrow.script = [how];
      expect((await relay()).failures).toMatchObject([{ subject: id }]);
      expect((await read(id)).status).toBe('submitting');
      clock.advance(1_000);
      expect((await relay()).failures).toEqual([]);
      expect([(await read(id)).status, only()?.capturable]).toEqual(['active', CAP]);
    },
  );

  it.each(['lost', 'broken'] as const)('of a settlement (%s) is asked again, and pays once', async (how) => {
    const id = await accepted();
    await activate(id);
    await relay();
    await use(id);
    escrow.script = [how];
    await relay();
    expect((await read(id)).status).toBe('settling');
    clock.advance(1_000);
    await relay();
    await expectSettled(id);
  });

  it('shows its transaction; without one it is stuck after a minute', async () => {
    const id = await accepted();
    await activate(id);
    escrow.script = [
      { status: 'pending', transaction: null },
      { status: 'pending', transaction: '0x12' },
    ];
    await relay();
    const stuck = async () => agreements.isStuck(await read(id), { nowMs: clock.now(), stuckMs: 60_000 });
    expect(await stuck()).toBe(false);
    clock.advance(60_001);
    expect([await stuck(), await agreements.countStuck(core)]).toEqual([true, 1]);
    await relay();
    expect([await stuck(), (await read(id)).activationTx]).toEqual([false, '0x12']);
    clock.advance(UNTIL_OTHERS_MAY_MS);
    await relay();
    expect((await read(id)).status).toBe('active');
  });
});

describe('an activation that is refused', () => {
  const refused = { status: 'failed', reason: 'short' } as const;

  it('can be made again with the same signature, and is one hold', async () => {
    const id = await accepted();
    await activate(id);
    escrow.script = [refused];
    await relay();
    expect(await read(id)).toMatchObject({ status: 'activation_failed', reason: 'short' });
    expect(await booked(id)).toBe(0n);
    await activate(id);
    await relay();
    expect([(await read(id)).status, only()?.capturable]).toEqual(['active', CAP]);
  });

  it('expires when its signature can do nothing more; what came in all the same goes back', async () => {
    const late = await accepted();
    await activate(late);
    escrow.script = ['lost', refused];
    // It happened, and nobody heard; the refusal that follows is not believed.
    await relay();
    clock.advance(1_000);
    await relay();
    expect((await read(late)).status).toBe('active');

    escrow.holds.clear();
    const earned = await feesBooked();
    const id = await accepted();
    const { signature, feePermit } = await proofOf(id);
    await agreements.activate(core, { ...ofBuyer(id), signature, feePermit });
    escrow.script = [refused];
    await relay();
    // Somebody else makes the hold with it.
    escrow.holds.set(signature, { cap: CAP, capturable: CAP, captured: 0n, returned: 0n });
    clock.advance(3_600_000);
    await relay();
    clock.advance(60_000);
    fees.script = ['lost'];
    await relay();
    expect((await read(id)).status).toBe('activation_failed');
    clock.advance(60_000);
    await relay();
    expect((await read(id)).status).toBe('expired');
    // The fee bought nothing.
    expect([...fees.returned.values()]).toEqual([FEE]);
    expect(await feesBooked()).toBe(earned);
    expect(only()).toMatchObject({ capturable: 0n, captured: 0n, returned: CAP });
    expect(await booked(id)).toBe(0n);
  });
});

describe('the fee', () => {
  it('is signed for by its own permit, collected first and once, also when the activation is made again', async () => {
    const id = await accepted();
    const { signature, feePermit } = await proofOf(id);
    const wrong = { kind: 'invalid_request', reason: 'fee_permit_mismatch', param: 'infraFeePermit' };
    const by = (proof: object) => agreements.activate(core, { ...ofBuyer(id), signature, ...proof });
    await expect(by({})).rejects.toMatchObject(wrong);
    await expect(by({ feePermit: `0x${'77'.repeat(65)}` })).rejects.toMatchObject(wrong);
    await by({ feePermit });
    fees.script = [{ status: 'processing' }, 'lost'];
    escrow.script = [{ status: 'failed', reason: 'short' }];
    for (let look = 0; look < 3; look++) {
      expect([...escrow.holds.keys()]).toEqual([]);
      await relay();
      clock.advance(5_000);
    }
    expect((await read(id)).status).toBe('activation_failed');
    const again = await agreements.activationPackage(core, ofBuyer(id));
    expect(again.fee).toBeNull();
    await agreements.activate(core, {
      ...ofBuyer(id),
      signature: signed(again.intent as agreements.TypedData),
    });
    await relay();
    expect((await read(id)).status).toBe('active');
    expect([...fees.collected.values()]).toEqual([FEE]);
  });

  it('that cannot be collected leaves the money where it is, and the next permit is another', async () => {
    const id = await accepted();
    await activate(id);
    fees.script = [{ status: 'failed', reason: 'fee_permit_used' }];
    await relay();
    expect(await read(id)).toMatchObject({ status: 'activation_failed', reason: 'fee_permit_used' });
    expect([escrow.holds.size, fees.collected.size]).toEqual([0, 0]);
    await activate(id);
    await relay();
    expect([(await read(id)).status, fees.collected.size]).toEqual(['active', 1]);
  });
});

it('books and escrow are compared agreement by agreement', async () => {
  const [held, paid] = [await accepted(), await accepted()];
  for (const id of [held, paid]) await activate(id);
  await relay();
  await use(paid);
  await relay();
  const differing = async () =>
    (await agreements.compareEscrow(core)).filter(({ agreementId }) => [held, paid].includes(agreementId));
  expect(await differing()).toEqual([]);
  for (const hold of escrow.holds.values())
    Object.assign(hold, hold.capturable > 0n ? { capturable: CAP - 1n } : { captured: USED + 1n });
  expect(new Set(await differing())).toEqual(
    new Set([
      { agreementId: held, booked: { held: CAP, paid: 0n }, found: { held: CAP - 1n, paid: 0n } },
      { agreementId: paid, booked: { held: 0n, paid: USED }, found: { held: 0n, paid: USED + 1n } },
    ]),
  );
});

describe('what is signed', () => {
  it('lives long enough, and what was shown before can still be used', async () => {
    const id = await accepted();
    const first = await agreements.activationPackage(core, ofBuyer(id));
    clock.advance(25 * 60_000);
    const second = await agreements.activationPackage(core, ofBuyer(id));
    expect(second.intent).not.toEqual(first.intent);
    const signature = signed(first.intent as agreements.TypedData);
    const { feePermit } = await proofOf(id);
    const proof = { signature, feePermit };
    await expect(agreements.activate(core, { ...ofBuyer(id), ...proof })).resolves.toMatchObject({
      status: 'submitting',
    });
  });

  it('is for one agreement, by its buyer', async () => {
    const [id, other] = [await accepted(), await accepted()];
    const { intent } = await agreements.activationPackage(core, ofBuyer(other));
    const signature = signed(intent as agreements.TypedData);
    const wrong = { kind: 'invalid_request', reason: 'signature_wrong' };
    await expect(agreements.activate(core, { ...ofBuyer(id), signature })).rejects.toMatchObject(wrong);
    await expect(agreements.activate(core, ofBuyer(id))).rejects.toMatchObject(wrong);
    const bySeller = { principal: seller.principal, agreementId: other, signature };
    await expect(agreements.activate(core, bySeller)).rejects.toMatchObject({ kind: 'forbidden' });
    expect((await read(id)).status).toBe('accepted');
  });
});

it('a decision splits what was used; a buyer who has reclaimed it is not charged', async () => {
  const id = await accepted();
  await activate(id);
  await relay();
  await use(id).catch(() => undefined);
  const challenged = await accepted();
  await activate(challenged);
  await relay();
  await agreements.record(core, { principal: seller.principal, agreementId: challenged, units: 2n });
  await agreements.complete(core, ofBuyer(challenged));
  const { dispute } = await disputes.openOnAgreement(core, { ...ofBuyer(challenged), reason: 'failed' });
  const decision = {
    principal: operator,
    disputeId: dispute.id,
    resolution: 'refund',
    refundAmount: 5n,
  } as const;
  await disputes.resolve(core, decision);
  await relay();
  expect(await read(challenged)).toMatchObject({ status: 'settled', paid: 15n });
  expect(await read(id)).toMatchObject({ status: 'settled', paid: USED });

  escrow.holds.clear();
  const late = await accepted();
  await activate(late);
  await relay();
  await use(late);
  const hold = only();
  Object.assign(hold as object, { capturable: 0n, returned: CAP });
  await relay();
  await expectSettled(late, 0n);
});
