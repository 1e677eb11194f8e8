import { events, ledger, payouts, type Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Db, ManualClock } from '@agentpay/primitives';
import { eventually } from '@agentpay/testing';
import { contradictions } from '../stress/books.js';
import { fund, ownDb, signedIn, testCore, type SignedIn } from './market.js';

type Submit = payouts.PayoutConnector['submit'];

const bank: payouts.Destination = {
  type: 'bank',
  routingNumber: '021000021',
  accountNumber: '123456789',
  accountType: 'checking',
  accountHolder: 'Acme Inc',
};
const AMOUNT = 250_000_000n;

let db: Db;
let core: Core;
let clock: ManualClock;
let owner: SignedIn;
let submitted: string[];
let submit: Submit;
let fate: payouts.PayoutFate;
let accepts: () => void;

beforeAll(async () => {
  db = await ownDb();
  const connector: payouts.PayoutConnector = {
    account: ledger.FAUCET,
    days: 2,
    accepts: () => accepts(),
    submit: (payout, destination) => {
      submitted.push(payout.id);
      return submit(payout, destination);
    },
    returns: { days: 2, ask: async () => fate },
  };
  ({ core, clock } = await testCore(db, { payouts: { bank: connector } }));
});
beforeEach(async () => {
  submitted = [];
  submit = async () => ({ status: 'completed', reference: 'ach_1' });
  fate = { status: 'arrived' };
  accepts = () => undefined;
  owner = await signedIn(core, 'Owner');
  await fund(core, owner, 300_000_000n);
});
afterEach(async () => expect(await contradictions(db)).toEqual([]));
afterAll(() => db.close());

const create = (destination: payouts.Destination = bank) =>
  payouts.create(core, {
    principal: owner.principal,
    fromWalletId: owner.walletId,
    amount: AMOUNT,
    destination,
  });
const read = (payoutId: string) => payouts.get(core, { principal: owner.principal, payoutId });
const money = () => ledger.walletMoney(db, { walletId: owner.walletId, asset: 'USD' });
const work = () => payouts.work(core, { limit: 10 });
const clearing = () => ledger.accountTotal(db, { account: ledger.PAYOUT_CLEARING, asset: 'USD' });
const told = async (subject: string) => (await events.history(db, { subject })).map(({ type }) => type);

it('a payout is reserved, sent and arrives', async () => {
  const { id, status, estimatedArrival } = await create();
  expect([status, estimatedArrival.getTime() - clock.now()]).toEqual(['pending', 2 * 86_400_000]);
  expect(await money()).toEqual({ available: 50_000_000n, held: AMOUNT });
  await work();
  expect(await read(id)).toMatchObject({ status: 'completed', reference: 'ach_1' });
  expect(await money()).toEqual({ available: 50_000_000n, held: 0n });
  expect(await told(id)).toEqual(['payout.created', 'payout.completed']);
});

it('one that is refused gives the money back', async () => {
  submit = async () => ({ status: 'failed', reason: 'account_closed' });
  const { id } = await create();
  await work();
  expect(await read(id)).toMatchObject({ status: 'failed', failure: 'account_closed' });
  expect(await money()).toEqual({ available: 300_000_000n, held: 0n });
  expect(await told(id)).toEqual(['payout.created', 'payout.failed']);
});

it('what was handed to a connector is on its way, and no longer with its owner', async () => {
  submit = async () => ({ status: 'processing', reference: 'ach_1' });
  const { id } = await create();
  const before = await clearing();
  await work();
  expect(await read(id)).toMatchObject({ status: 'processing' });
  expect(await money()).toEqual({ available: 50_000_000n, held: 0n });
  expect((await clearing()) - before).toBe(AMOUNT);
  submit = async () => ({ status: 'failed', reason: 'account_closed' });
  clock.advance(4_000);
  await work();
  expect(await money()).toEqual({ available: 300_000_000n, held: 0n });
  expect(await clearing()).toBe(before);
});

it('one that its connector takes no longer fails, and is never handed over', async () => {
  const { id } = await create();
  accepts = () => {
    throw new AgentPayError('invalid_request', 'No payouts to this bank.', { reason: 'bank_not_served' });
  };
  await work();
  expect(submitted).toEqual([]);
  expect(await read(id)).toMatchObject({ status: 'failed', failure: 'bank_not_served' });
  expect(await money()).toEqual({ available: 300_000_000n, held: 0n });
  expect(await told(id)).toEqual(['payout.created', 'payout.failed']);
});

it('one that arrived and comes back is in the wallet again, once', async () => {
  const { id } = await create();
  await work();
  fate = { status: 'unknown' };
  for (let days = 0; days < 3; days++) {
    clock.advance(86_400_000);
    await work();
    expect(await read(id)).toMatchObject({ status: 'completed' });
  }
  fate = { status: 'returned', reason: 'account_closed' };
  clock.advance(86_400_000);
  await Promise.all([work(), work(), work()]);
  clock.advance(86_400_000);
  await work();
  expect(submitted).toEqual([id]);
  expect(await read(id)).toMatchObject({ status: 'returned', failure: 'account_closed', nextAt: null });
  expect(await money()).toEqual({ available: 300_000_000n, held: 0n });
  expect(await told(id)).toEqual(['payout.created', 'payout.completed', 'payout.returned']);
});

it('what has arrived is looked at until it can no longer come back', async () => {
  const { id } = await create();
  await work();
  for (let days = 0; days < 2; days++) {
    expect((await read(id)).nextAt).not.toBeNull();
    clock.advance(86_400_000);
    await work();
  }
  expect(await read(id)).toMatchObject({ status: 'completed', nextAt: null });
});

it('unknown is never failure: the connector is asked again, later and later, under the same id', async () => {
  const answers: Awaited<ReturnType<Submit>>[] = [
    { status: 'unknown' },
    { status: 'processing', reference: 'ach_2' },
  ];
  submit = async () => answers.shift() ?? { status: 'completed', reference: 'ach_2' };
  const { id } = await create();
  await work();
  await work();
  expect(submitted).toEqual([id]);
  for (let n = 0; n < 5; n++) {
    clock.advance(4_000);
    await work();
  }
  expect(submitted).toEqual([id, id, id]);
  expect(await read(id)).toMatchObject({ status: 'completed', reference: 'ach_2', attempts: 3 });
});

it('an attempt whose instance died or whose connector broke is made again', async () => {
  submit = () => Promise.reject(new Error('connection reset'));
  const { id } = await create();
  await work();
  expect(await read(id)).toMatchObject({ status: 'processing' });
  submit = () => new Promise(() => undefined);
  clock.advance(4_000);
  void work();
  await eventually(() => expect(submitted).toHaveLength(2));
  submit = async () => ({ status: 'completed', reference: 'ach_3' });
  await work();
  expect(submitted).toHaveLength(2);
  clock.advance(120_001);
  await work();
  expect(await read(id)).toMatchObject({ status: 'completed', reference: 'ach_3' });
});

it('is sent once when several instances work at the same time', async () => {
  const made = await Promise.all(
    [1, 2, 3].map(() =>
      payouts.create(core, {
        principal: owner.principal,
        fromWalletId: owner.walletId,
        amount: 1_000_000n,
        destination: bank,
      }),
    ),
  );
  await Promise.all([work(), work(), work(), work()]);
  expect([...submitted].sort()).toEqual(made.map(({ id }) => id).sort());
});

it('can be taken back until somebody has begun to send it', async () => {
  const { id } = await create();
  const cancel = () => payouts.cancel(core, { principal: owner.principal, payoutId: id });
  expect(await cancel()).toMatchObject({ status: 'canceled' });
  expect(await cancel()).toMatchObject({ status: 'canceled' });
  expect(await money()).toEqual({ available: 300_000_000n, held: 0n });
  await work();
  expect(submitted).toEqual([]);
  const sent = await create();
  await work();
  await expect(payouts.cancel(core, { principal: owner.principal, payoutId: sent.id })).rejects.toMatchObject(
    {
      kind: 'payout_wrong_state',
      reason: 'completed',
    },
  );
});

it('a destination is shown masked and kept sealed', async () => {
  const { id, shown } = await create();
  expect(shown).toEqual({
    routing_number: '****0021',
    account_number: '****6789',
    account_type: 'checking',
    account_holder: 'Acme Inc',
  });
  const [row] = await db.query<{ row: string }>('select payouts::text as row from payouts where id = $1', [
    id,
  ]);
  expect(row?.row).not.toContain('123456789');
});

it.each([
  [
    'a routing number with a wrong check digit',
    { ...bank, routingNumber: '021000022' },
    'destination.routingNumber',
  ],
  ['an account number with letters', { ...bank, accountNumber: '12AB' }, 'destination.accountNumber'],
])('%s is refused', async (_, destination, param) => {
  await expect(create(destination as payouts.Destination)).rejects.toMatchObject({
    kind: 'invalid_request',
    param,
  });
});

it('what is not configured, not owned or not covered is refused, and reserves nothing', async () => {
  const crypto: payouts.Destination = { type: 'crypto', address: `0x${'1'.repeat(40)}`, network: 'base' };
  await expect(create(crypto)).rejects.toMatchObject({ kind: 'settlement_not_configured' });
  const stranger = await signedIn(core, 'Stranger');
  const foreign = {
    principal: stranger.principal,
    fromWalletId: owner.walletId,
    amount: 1n,
    destination: bank,
  };
  await expect(payouts.create(core, foreign)).rejects.toMatchObject({ kind: 'wallet_not_found' });
  await create();
  await expect(create()).rejects.toMatchObject({ kind: 'insufficient_funds' });
  expect(await money()).toEqual({ available: 50_000_000n, held: AMOUNT });
});
