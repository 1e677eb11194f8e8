import { developers, events, identity, ledger, parties, payouts, type Core } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { pgDb, type ScratchDb } from '@agentpay/storage';
import { ownDb, testCore } from './market.js';

const operator = { party: parties.platform, scopes: [], credentialId: 'admin' };
const details = { email: 'dev@example.com', name: 'Dev Co' };
const DAY_MS = 86_400_000;

let scratch: ScratchDb;
let db: Db;
let core: Core;
let clock: ManualClock;

const connector: payouts.PayoutConnector = {
  account: ledger.FAUCET,
  days: 2,
  accepts: () => undefined,
  submit: async ({ id }) => ({ status: 'completed', reference: `ach_${id}` }),
};

beforeAll(async () => {
  scratch = await ownDb();
  db = await pgDb({ url: scratch.url, max: 8 });
  ({ core, clock } = await testCore(db, { payouts: { bank: connector } }));
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(async () => {
  await db.close();
  await scratch.close();
});

const signIn = (secret: string) => identity.authenticate(core, { accepts: ['developer'], secret });

/** A developer who was approved. */
async function approved() {
  const { developer } = await developers.register(core, details);
  const { key } = await developers.approve(core, { principal: operator, developerId: developer.id });
  return { ...developer, key: key as string, principal: await signIn(key as string) };
}

type Approved = Awaited<ReturnType<typeof approved>>;

/** Pays a developer as a call does: books and earnings in one batch. */
function earn({ id, walletId }: Approved, amount: bigint): Promise<void> {
  return core.batch.run({
    wants: developers.earnWants(core, id),
    lane: id,
    decide(scene) {
      const postings = ledger.movements.faucetFund({ walletId, asset: 'USDC', amount });
      ledger.postIn(core, scene, {
        key: `test:${core.random.bytes(8).join('')}`,
        kind: 'test.earned',
        postings,
      });
      developers.earnIn(core, scene, { developerId: id, amount });
    },
  });
}

const available = async ({ walletId }: Approved) =>
  (await ledger.walletMoney(db, { walletId, asset: 'USDC' })).available;

describe('a developer', () => {
  it('waits without a key until the operator approves them', async () => {
    const { developer, key } = await developers.register(core, details);
    expect([developer.status, key]).toEqual(['pending', undefined]);
    const asDeveloper = {
      party: { id: developer.id, kind: 'developer' as const },
      scopes: [],
      credentialId: 'x',
    };
    await expect(
      developers.approve(core, { principal: asDeveloper, developerId: developer.id }),
    ).rejects.toMatchObject({ kind: 'forbidden' });
    const approval = await developers.approve(core, { principal: operator, developerId: developer.id });
    expect(approval.developer.status).toBe('active');
    expect((await signIn(approval.key as string)).party.id).toBe(developer.id);
  });

  it('gets a key at once where the sandbox approves everybody', async () => {
    const settings = { ...core.settings, developers: { ...core.settings.developers, autoApprove: true } };
    const { developer, key } = await developers.register({ ...core, settings }, details);
    expect(developer.status).toBe('active');
    expect((await signIn(key as string)).party.id).toBe(developer.id);
  });

  it('whose key was lost gets another by a second approval, which ends the first when it is used', async () => {
    const developer = await approved();
    const again = await developers.approve(core, { principal: operator, developerId: developer.id });
    await signIn(developer.key);
    await signIn(again.key as string);
    await expect(signIn(developer.key)).rejects.toMatchObject({ kind: 'unauthorized' });
  });

  it('rotates a key: both work for a day, then the new one alone', async () => {
    const { principal, key } = await approved();
    const renewed = await developers.rotateKey(core, { principal, reason: 'rotation' });
    for (const secret of [key, renewed, key]) await signIn(secret);
    clock.advance(DAY_MS);
    await expect(signIn(key)).rejects.toMatchObject({ kind: 'unauthorized' });
    await signIn(renewed);
  });

  it('rotates a key that was exposed: all former ones end at once', async () => {
    const { principal, key } = await approved();
    const second = await developers.rotateKey(core, { principal, reason: 'rotation' });
    const third = await developers.rotateKey(core, { principal, reason: 'exposure' });
    for (const secret of [key, second])
      await expect(signIn(secret)).rejects.toMatchObject({ kind: 'unauthorized' });
    await signIn(third);
  });

  it('who is suspended has no key any more, and gets one when they are approved again', async () => {
    const { id, key } = await approved();
    await developers.suspend(core, { principal: operator, developerId: id });
    await expect(signIn(key)).rejects.toMatchObject({ kind: 'unauthorized' });
    const again = await developers.approve(core, { principal: operator, developerId: id });
    await signIn(again.key as string);
  });
});

describe('earnings', () => {
  it('of a month are what the books credited in it', async () => {
    const developer = await approved();
    const { principal } = developer;
    await Promise.all([1n, 2n, 3n, 4n, 5n].map((n) => earn(developer, n * 1_000_000n)));
    const may = await developers.earnings(core, { principal });
    expect(may).toMatchObject({ total: 15_000_000n, available: await available(developer) });
    clock.advance(31 * DAY_MS);
    await earn(developer, 7_000_000n);
    const june = await developers.earnings(core, { principal });
    expect([june.month > may.month, june.total, june.available]).toEqual([true, 7_000_000n, 22_000_000n]);
    expect(await developers.earnings(core, { principal, month: may.month })).toMatchObject({
      total: 15_000_000n,
    });
  });

  it('are paid out as far as they go, and not further', async () => {
    const developer = await approved();
    const { principal } = developer;
    await earn(developer, 250_000_000n);
    const pay = (amount: bigint) => developers.payout(core, { principal, amount, type: 'bank' });
    await expect(pay(250_000_001n)).rejects.toMatchObject({ kind: 'insufficient_funds' });
    const tries = await Promise.allSettled([pay(200_000_000n), pay(200_000_000n)]);
    expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { payouts: made } = await developers.listPayouts(core, { principal });
    expect(made).toMatchObject([{ id: expect.stringMatching(/^po_/), status: 'processing' }]);
    await payouts.work(core, { limit: 10 });
    const after = await developers.listPayouts(core, { principal });
    expect(after.payouts[0]).toMatchObject({ status: 'completed', amount: 200_000_000n });
    expect(await available(developer)).toBe(50_000_000n);
    const told = await events.history(db, { subject: made[0]?.id as string });
    expect(told.map(({ type }) => type)).toEqual(['payout.created', 'payout.completed']);
  });

  it('go to an account that was named, of its own type only', async () => {
    const developer = await approved();
    const { principal } = developer;
    await earn(developer, 5_000_000n);
    const destination = { type: 'crypto', address: `0x${'1'.repeat(40)}`, network: 'base' } as const;
    await developers.setPayoutAccount(core, { principal, destination });
    await expect(
      developers.payout(core, { principal, amount: 1_000_000n, type: 'bank' }),
    ).rejects.toMatchObject({ kind: 'conflict', reason: 'payout_account_missing' });
    await expect(
      developers.payout(core, { principal, amount: 1_000_000n, type: 'crypto' }),
    ).rejects.toMatchObject({ kind: 'settlement_not_configured' });
  });

  it('are paid out once a month by the job, also by two instances at once', async () => {
    const [paid, poor, nowhere] = [await approved(), await approved(), await approved()];
    const destination = {
      type: 'bank',
      routingNumber: '021000021',
      accountNumber: '123456789',
      accountType: 'checking',
      accountHolder: 'Dev Co',
    } as const;
    for (const { principal } of [paid, poor])
      await developers.setPayoutAccount(core, { principal, destination });
    await earn(paid, 42_000_000n);
    await earn(poor, 999_999n);
    await earn(nowhere, 42_000_000n);
    const runs = await Promise.all([developers.payMonthly(core), developers.payMonthly(core)]);
    const failed = new Set(runs.flatMap(({ failures }) => failures.map(({ subject }) => subject)));
    expect([paid, poor, nowhere].filter(({ id }) => failed.has(id))).toEqual([]);
    await earn(paid, 3_000_000n);
    expect((await developers.payMonthly(core)).done).toEqual({ paid: 0 });
    expect(await available(paid)).toBe(3_000_000n);
    expect(await available(poor)).toBe(999_999n);
    expect(await available(nowhere)).toBe(42_000_000n);
    clock.advance(31 * DAY_MS);
    expect((await developers.payMonthly(core)).done).toEqual({ paid: 1 });
    expect(await available(paid)).toBe(0n);
  });
});
