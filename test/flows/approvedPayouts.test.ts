import { agents, approvals, ledger, parties, payments, payouts, policies } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';
import { newId } from '@agentpay/primitives';
import { fund, money, ownDb, signedIn, testCore } from './market.js';
import type { SignedIn } from './market.js';

const OVER = 10n;
const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };
const bank: payouts.Destination = {
  type: 'bank',
  routingNumber: '021000021',
  accountNumber: '123456789',
  accountType: 'checking',
  accountHolder: 'Acme Inc',
};

let db: Db;
let core: Core;
let payer: SignedIn;

beforeAll(async () => {
  db = await ownDb();
  const connector: payouts.PayoutConnector = {
    account: ledger.FAUCET,
    days: 2,
    accepts: () => undefined,
    submit: async () => ({ status: 'completed', reference: 'ach_1' }),
  };
  ({ core } = await testCore(db, { payouts: { bank: connector } }));
});
beforeEach(async () => {
  payer = await signedIn(core, 'Payer');
  await fund(core, payer, 1_000n);
  await ruled(payer.agent.id);
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(() => db.close());

const ruled = (partyId: string) =>
  policies.create(core, { principal: operator, partyId, terms: { kind: 'approval_over', amount: OVER } });

const refused = (kind: string, more = {}) =>
  expect.objectContaining({ name: 'AgentPayError', kind, ...more });
const denied = (reason: string) => refused('policy_denied', { reason });

function payOut(request: Partial<payouts.PayoutRequest> = {}): Promise<payouts.Payout> {
  const from = { principal: payer.principal, fromWalletId: payer.walletId };
  return payouts.create(core, { ...from, amount: 20n, destination: bank, ...request });
}

/** A spending that is refused for want of approval; gives the id of the approval. */
async function asked(spending: Promise<unknown>): Promise<string> {
  const error: unknown = await spending.catch((caught: unknown) => caught);
  expect(error).toEqual(denied('approval_required'));
  return (error as { details: { approvalId: string } }).details.approvalId;
}

const decide = (approvalId: string, principal: Principal = operator) =>
  approvals.approve(core, { principal, approvalId });

describe('a payout above approval_over', () => {
  it('asks, moves nothing, and shows the account only as far as its owner is shown it', async () => {
    const approvalId = await asked(payOut({ description: 'Weekly' }));
    const approval = await approvals.get(core, { principal: operator, approvalId });
    expect(approval).toMatchObject({
      subject: 'payout',
      status: 'pending',
      rail: 'bank',
      amount: 20n,
      description: 'Weekly',
      payee: expect.stringMatching(/^payout:bank \*{4}0021 \*{4}6789 checking Acme Inc #[0-9a-f]{16}$/),
    });
    expect(await money(core, payer)).toEqual({ available: 1_000n, held: 0n });
    expect(await asked(payOut())).toBe(approvalId);
  });

  it('passes once with its approval, of 20 that try at the same moment', async () => {
    const approvalId = await asked(payOut());
    await decide(approvalId);
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => payOut({ approvalId })));
    const [made] = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const reasons = tries.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(reasons).toEqual(Array.from({ length: 19 }, () => denied('approval_used')));
    expect((await approvals.get(core, { principal: operator, approvalId })).usedBy).toBe(made?.id);
    expect(await money(core, payer)).toEqual({ available: 980n, held: 20n });
    await payouts.work(core, { limit: 10 });
    expect(await money(core, payer)).toEqual({ available: 980n, held: 0n });
  });

  it('passes under its idempotency key alone, and is the same payout from then on', async () => {
    const idempotencyKey = 'week-1';
    await decide(await asked(payOut({ idempotencyKey })));
    const { id } = await payOut({ idempotencyKey });
    expect((await payOut({ idempotencyKey })).id).toBe(id);
    const other = { ...bank, accountNumber: '987654321' };
    for (const changed of [{ amount: 21n }, { destination: other }, { description: 'x' }])
      await expect(payOut({ idempotencyKey, ...changed })).rejects.toEqual(refused('conflict'));
    expect(await money(core, payer)).toEqual({ available: 980n, held: 20n });
  });

  it('is approved for its account alone, also where another one ends alike, and for nothing but a payout', async () => {
    const approvalId = await asked(payOut());
    await decide(approvalId);
    for (const changed of [{ destination: { ...bank, accountNumber: '000056789' } }, { amount: 21n }])
      await expect(payOut({ approvalId, ...changed })).rejects.toEqual(denied('approval_mismatch'));
    const payment = {
      principal: payer.principal,
      fromWalletId: payer.walletId,
      toExternal: 'x',
      amount: 20n,
    };
    await expect(payments.create(core, { ...payment, approvalId })).rejects.toEqual(
      denied('approval_mismatch'),
    );
    expect(await payOut({ approvalId })).toMatchObject({ status: 'pending' });
  });

  it('that is taken back leaves its approval used', async () => {
    const approvalId = await asked(payOut());
    await decide(approvalId);
    const { id } = await payOut({ approvalId });
    await payouts.cancel(core, { principal: payer.principal, payoutId: id });
    expect(await money(core, payer)).toEqual({ available: 1_000n, held: 0n });
    await expect(payOut({ approvalId })).rejects.toEqual(denied('approval_used'));
  });
});

describe('who decides beside the operator of the platform', () => {
  /** An agent that this principal made, with money and the rule. */
  async function madeBy(principal: Principal) {
    const { agent, wallet } = await agents.create(core, { principal, name: 'Worker' });
    const own: Principal = { party: { id: agent.id, kind: 'agent' }, scopes: [], credentialId: 'key' };
    const worker = { ...payer, agent, principal: own, walletId: wallet.id };
    await fund(core, worker, 100n);
    await ruled(agent.id);
    const from = { principal: own, fromWalletId: wallet.id };
    const approvalId = await asked(payments.create(core, { ...from, toExternal: 'x', amount: 20n }));
    return {
      own,
      approvalId,
      pay: () => payments.create(core, { ...from, toExternal: 'x', amount: 20n, approvalId }),
    };
  }

  it('is the agent that began the group of the agent', async () => {
    const { own, approvalId, pay } = await madeBy(payer.principal);
    const sister = (await madeBy(payer.principal)).own;
    await expect(decide(approvalId, own)).rejects.toEqual(refused('forbidden'));
    await expect(decide(approvalId, sister)).rejects.toEqual(refused('approval_not_found'));
    expect(await decide(approvalId, payer.principal)).toMatchObject({ decidedBy: payer.agent.id });
    expect(await pay()).toMatchObject({ status: 'completed' });
  });

  it('is the user whose agent it is', async () => {
    const id = newId('user', core);
    await db.tx((tx) => parties.create(tx, { id, kind: 'user' }));
    const user: Principal = { party: { id, kind: 'user' }, scopes: [], credentialId: 'key' };
    const { own, approvalId, pay } = await madeBy(user);
    await expect(decide(approvalId, own)).rejects.toEqual(refused('forbidden'));
    await expect(decide(approvalId, payer.principal)).rejects.toEqual(refused('approval_not_found'));
    const { approvals: waiting } = await approvals.list(core, { principal: user, status: 'pending' });
    expect(waiting.map((each) => each.id)).toEqual([approvalId]);
    expect(await decide(approvalId, user)).toMatchObject({ decidedBy: id });
    expect(await pay()).toMatchObject({ status: 'completed' });
  });

  it('is nobody for an agent that began its own group', async () => {
    const approvalId = await asked(payOut());
    await expect(decide(approvalId, payer.principal)).rejects.toEqual(refused('forbidden'));
    expect(await approvals.get(core, { principal: operator, approvalId })).toMatchObject({ ownerId: null });
  });
});
