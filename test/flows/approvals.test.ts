import { approvals, events, identity, ledger, parties, payments, policies, tokens } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { fund, market, money, ownDb, PRICE, signedIn, testCore } from './market.js';
import type { SignedIn } from './market.js';

const TTL_MS = 60_000;
const OVER = 10n;
const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };

let db: Db;
let core: Core;
let clock: ManualClock;
let payer: SignedIn;

beforeAll(async () => {
  db = await ownDb();
  const settings = { approvals: { ttlMs: TTL_MS }, fees: { payment: { ppm: 0n } } };
  ({ core, clock } = await testCore(db, { settings }));
});
beforeEach(async () => {
  payer = await signedIn(core, 'Payer');
  await fund(core, payer, 1_000n);
  await ruled(payer);
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(() => db.close());

const ruled = ({ agent }: SignedIn, amount = OVER) =>
  policies.create(core, {
    principal: operator,
    partyId: agent.id,
    terms: { kind: 'approval_over', amount },
  });

const refused = (kind: string, more = {}) =>
  expect.objectContaining({ name: 'AgentPayError', kind, ...more });
const denied = (reason: string) => refused('policy_denied', { reason });

function pay(request: Partial<payments.PaymentRequest> = {}) {
  const from = { principal: payer.principal, fromWalletId: payer.walletId };
  return payments.create(core, { ...from, toExternal: 'merchant', amount: 20n, ...request });
}

/** A payment that is refused for want of approval; gives the id of the approval. */
async function ask(request: Partial<payments.PaymentRequest> = {}): Promise<string> {
  const error: unknown = await pay(request).catch((caught: unknown) => caught);
  expect(error).toEqual(denied('approval_required'));
  return (error as { details: { approvalId: string } }).details.approvalId;
}

const approve = (approvalId: string) => approvals.approve(core, { principal: operator, approvalId });
const reject = (approvalId: string) => approvals.reject(core, { principal: operator, approvalId });
const read = (approvalId: string) => approvals.get(core, { principal: payer.principal, approvalId });

describe('a payment above approval_over', () => {
  it('asks its owner, is told which approval, and moves nothing', async () => {
    const approvalId = await ask({ description: 'A year of data', idempotencyKey: 'order-1' });
    const { rules } = await policies.list(core, { principal: payer.principal, partyId: payer.agent.id });
    const [rule] = rules;
    expect(await read(approvalId)).toEqual({
      id: expect.stringMatching(/^apr_/),
      payerId: payer.agent.id,
      ownerId: null,
      subject: 'payment',
      reference: 'key:order-1',
      amount: 20n,
      currency: 'USD',
      payee: 'merchant',
      rail: 'internal',
      description: 'A year of data',
      ruleId: rule?.id,
      status: 'pending',
      note: null,
      createdAt: new Date(clock.now()),
      expiresAt: new Date(clock.now() + TTL_MS),
      decidedAt: null,
      decidedBy: null,
      usedBy: null,
    });
    expect(await money(core, payer)).toEqual({ available: 1_000n, held: 0n });
    const [told] = await events.history(db, { subject: approvalId });
    expect(told).toMatchObject({
      type: 'approval.requested',
      audience: [payer.agent.id],
      data: { id: approvalId, amount: '0.00002', payee: 'merchant', status: 'pending' },
    });
  });

  it('asks once, however often it is sent', async () => {
    const first = await ask({ idempotencyKey: 'again' });
    expect(await ask({ idempotencyKey: 'again' })).toBe(first);
    const plain = await ask();
    expect(plain).not.toBe(first);
    expect(await ask()).toBe(plain);
    const { total } = await approvals.list(core, { principal: payer.principal, status: 'pending' });
    expect(total).toBe(2);
    await expect(pay({ idempotencyKey: 'again', amount: 21n })).rejects.toEqual(refused('conflict'));
  });

  it('passes once with the id of its approval', async () => {
    const approvalId = await ask();
    await expect(pay({ approvalId })).rejects.toEqual(denied('approval_required'));
    await approve(approvalId);
    // Without a key it may be another payment of the same terms.
    expect(await ask()).toBe(approvalId);
    const payment = await pay({ approvalId });
    expect(payment).toMatchObject({ status: 'completed', amount: 20n });
    await expect(pay({ approvalId })).rejects.toEqual(denied('approval_used'));
    expect((await read(approvalId)).usedBy).toBe(payment.id);
    expect(await money(core, payer)).toEqual({ available: 980n, held: 0n });
    expect(await ask()).not.toBe(approvalId);
  });

  it('passes under its idempotency key alone, and is the same payment from then on', async () => {
    const idempotencyKey = 'order-2';
    await approve(await ask({ idempotencyKey }));
    const payment = await pay({ idempotencyKey });
    expect((await pay({ idempotencyKey })).id).toBe(payment.id);
    expect(await money(core, payer)).toEqual({ available: 980n, held: 0n });
  });

  it('stays approved when there is no money, until there is', async () => {
    const approvalId = await ask({ amount: 2_000n });
    await approve(approvalId);
    await expect(pay({ amount: 2_000n, approvalId })).rejects.toEqual(refused('insufficient_funds'));
    await fund(core, payer, 1_000n);
    expect(await pay({ amount: 2_000n, approvalId })).toMatchObject({ status: 'completed' });
  });

  it('needs no other rule than approval_over to be allowed', async () => {
    const approvalId = await ask();
    await approve(approvalId);
    await policies.create(core, {
      principal: operator,
      partyId: payer.agent.id,
      terms: { kind: 'per_tx', amount: 15n },
    });
    await expect(pay({ approvalId })).rejects.toEqual(denied('per_transaction_limit'));
    expect((await read(approvalId)).usedBy).toBeNull();
  });
});

describe('an approval', () => {
  it('is for its payee, rail, currency and payer alone, and for no more than its amount', async () => {
    const payee = await signedIn(core, 'Payee');
    const approvalId = await ask();
    await approve(approvalId);
    for (const other of [
      { toExternal: 'merchant2' },
      { toExternal: undefined, toWalletId: payee.walletId },
      { amount: 21n },
    ])
      await expect(pay({ approvalId, ...other })).rejects.toEqual(denied('approval_mismatch'));
    const stranger = await signedIn(core, 'Stranger');
    await fund(core, stranger, 100n);
    const theirs = { principal: stranger.principal, fromWalletId: stranger.walletId };
    for (const id of [approvalId, 'apr_none'])
      await expect(pay({ ...theirs, approvalId: id })).rejects.toEqual(refused('approval_not_found'));
    expect(await pay({ approvalId, amount: 15n })).toMatchObject({ amount: 15n });
  });

  it('is decided once, by the operator, and not by who wants to spend', async () => {
    const approvalId = await ask();
    const own = { principal: payer.principal, approvalId };
    await expect(approvals.approve(core, own)).rejects.toEqual(refused('forbidden'));
    const stranger = (await signedIn(core, 'Stranger')).principal;
    await expect(approvals.approve(core, { principal: stranger, approvalId })).rejects.toEqual(
      refused('approval_not_found'),
    );
    const approved = await approve(approvalId);
    expect(approved).toMatchObject({ status: 'approved', decidedBy: 'platform' });
    expect(await approve(approvalId)).toEqual(approved);
    await expect(reject(approvalId)).rejects.toEqual(refused('approval_wrong_state'));
    const told = await events.history(db, { subject: approvalId });
    expect(told.map(({ type }) => type)).toEqual(['approval.requested', 'approval.approved']);
  });

  it('is decided by the owner that it names', async () => {
    const owner = await signedIn(core, 'Owner');
    const terms = { payerId: payer.agent.id, payee: 'x', rail: 'internal', currency: 'USD', amount: 5n };
    const wanted = { ...terms, subject: 'agreement', reference: 'ua_1', ownerId: owner.agent.id };
    const { id: approvalId } = await approvals.request(core, wanted);
    expect(await approvals.list(core, { principal: owner.principal })).toMatchObject({ total: 1 });
    expect(await approvals.approve(core, { principal: owner.principal, approvalId })).toMatchObject({
      status: 'approved',
      decidedBy: owner.agent.id,
    });
    // It was given for an agreement, not for a payment.
    await expect(pay({ approvalId, toExternal: 'x', amount: 5n })).rejects.toEqual(
      denied('approval_mismatch'),
    );
  });

  it('that is rejected lets nothing pass, and asking again is refused until it would have expired', async () => {
    const approvalId = await ask({ idempotencyKey: 'no' });
    await reject(approvalId);
    await expect(pay({ idempotencyKey: 'no' })).rejects.toEqual(denied('approval_rejected'));
    await expect(pay({ approvalId })).rejects.toEqual(denied('approval_rejected'));
    clock.advance(TTL_MS);
    expect(await ask({ idempotencyKey: 'no' })).not.toBe(approvalId);
  });

  it('expires by the clock, and by the job that tells of it', async () => {
    const [late, given] = [await ask({ idempotencyKey: 'late' }), await ask({ idempotencyKey: 'given' })];
    clock.advance(TTL_MS - 1);
    await approve(given);
    clock.advance(1);
    await expect(approve(late)).rejects.toEqual(refused('approval_wrong_state', { reason: 'expired' }));
    await expect(pay({ approvalId: late })).rejects.toEqual(denied('approval_expired'));
    const job = await approvals.expireDue(core, { limit: 100 });
    expect(job.failures).toEqual([]);
    expect(job.done['expired']).toBeGreaterThanOrEqual(1);
    expect(await read(late)).toMatchObject({ status: 'expired' });
    expect((await events.history(db, { subject: late })).map(({ type }) => type)).toEqual([
      'approval.requested',
      'approval.expired',
    ]);
    // From its decision on it may be used as long as it could wait.
    expect(await pay({ idempotencyKey: 'given' })).toMatchObject({ status: 'completed' });
    const unused = await ask({ idempotencyKey: 'unused' });
    await approve(unused);
    clock.advance(TTL_MS);
    await expect(pay({ approvalId: unused })).rejects.toEqual(denied('approval_expired'));
    expect(await ask({ idempotencyKey: 'unused' })).not.toBe(unused);
  });

  it('waits beside 99 others of its agent, and not beside 100', async () => {
    for (let n = 0; n < 100; n++) await ask({ amount: BigInt(n) + OVER + 1n });
    await expect(pay({ amount: 500n })).rejects.toEqual(denied('too_many_approvals'));
  });
});

it('a payment token above approval_over is bought once with the approval of its service', async () => {
  const { buyer, service } = await market(core);
  await ruled(buyer, PRICE - 1n);
  const request = { principal: buyer.principal, serviceId: service.id, walletId: buyer.walletId };
  const error = (await tokens.authorize(core, request).catch((caught: unknown) => caught)) as {
    details: { approvalId: string };
  };
  expect(error).toEqual(denied('approval_required'));
  const { approvalId } = error.details;
  const approval = await approve(approvalId);
  expect(approval).toMatchObject({ subject: 'token', payee: service.id, rail: 'x402', amount: PRICE });
  const { token } = await tokens.authorize(core, { ...request, approvalId });
  expect(token.state).toBe('reserved');
  await expect(tokens.authorize(core, { ...request, approvalId })).rejects.toEqual(denied('approval_used'));
  expect((await identity.authenticate(core, { accepts: ['runtime'], secret: buyer.apiKey })).party.id).toBe(
    approval.payerId,
  );
});
