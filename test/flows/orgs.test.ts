import {
  identity,
  ledger,
  orgs,
  parties,
  payments,
  policies,
  wallets,
  type Core,
  type Principal,
} from '@agentpay/core';
import { newId, systemRandom, type Db, type ManualClock } from '@agentpay/primitives';
import { ADMIN_KEY, ownDb, testCore } from './market.js';

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
  ({ id: orgId } = await orgs.create(core, {
    principal: owner,
    name: 'Acme Labs',
    email: 'owner@example.com',
  }));
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(() => db.close());

const party = async (kind: 'developer' | 'gateway') =>
  db.tx(async (tx) => {
    const made = { id: newId('credential', { clock, random: systemRandom }), kind };
    await parties.create(tx, made);
    return made;
  });
const developer = async (): Promise<Principal> => ({
  party: await party('developer'),
  scopes: [],
  credentialId: 'key',
});

let people = 0;

async function joined(role: orgs.Role): Promise<Principal> {
  const email = `dev${++people}@example.com`;
  const { token } = await orgs.invite(core, { principal: owner, orgId, email, role });
  const principal = await developer();
  await orgs.accept(core, { principal, token });
  return principal;
}

async function memberOf({ party: { id } }: Principal): Promise<orgs.Member> {
  const all = await orgs.members(core, { principal: owner, orgId });
  return all.find(({ partyId }) => partyId === id) as orgs.Member;
}

const contract = { title: 'SLA 99.9%', terms: 'One.\nTwo.' };
const order = { amount: 1_000n, memo: 'Q2 credits' };
const monthly = (amount: bigint) => ({
  name: 'Budget Cap',
  terms: [{ kind: 'monthly_usdc', amount }] as const,
});

describe('an invitation', () => {
  it('makes a member of whoever presents its token, once, and the same again changes nothing', async () => {
    const { token } = await orgs.invite(core, {
      principal: owner,
      orgId,
      email: 'Dev@Example.com',
      role: 'admin',
    });
    const [first, second] = [await developer(), await developer()];
    expect(await orgs.invitation(core, { token })).toMatchObject({
      org: { name: 'Acme Labs' },
      member: { role: 'admin' },
    });
    const results = await Promise.allSettled(
      [first, second].map((principal) => orgs.accept(core, { principal, token })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await orgs.get(core, { principal: owner, orgId })).toMatchObject({ members: 2 });
    const winner = results[0]?.status === 'fulfilled' ? first : second;
    expect(await orgs.accept(core, { principal: winner, token })).toMatchObject({
      member: { status: 'active' },
    });
    expect(await memberOf(winner)).toMatchObject({ email: 'dev@example.com', role: 'admin' });
  });

  it('to the address of a member is for another developer; a member does not join twice', async () => {
    const ask = { principal: owner, orgId, email: 'owner@example.com', role: 'member' } as const;
    const { token } = await orgs.invite(core, ask);
    await expect(orgs.accept(core, { principal: owner, token })).rejects.toMatchObject({
      reason: 'already_member',
    });
    await orgs.accept(core, { principal: await developer(), token });
    expect(await orgs.get(core, { principal: owner, orgId })).toMatchObject({ members: 2 });
  });

  it('ends by time, by being sent again, and by being taken back; a forged one is none', async () => {
    const ask = () =>
      orgs.invite(core, { principal: owner, orgId, email: 'late@example.com', role: 'member' });
    const first = await ask();
    clock.advance(1);
    const second = await ask();
    expect(second.member.id).toBe(first.member.id);
    const refused = async (token: string) =>
      expect(orgs.accept(core, { principal: await developer(), token })).rejects.toMatchObject({
        kind: 'invite_not_found',
      });
    await refused(first.token);
    await refused(`${second.token.slice(0, -1)}${second.token.endsWith('0') ? '1' : '0'}`);
    clock.advance(7 * 86_400_000);
    await refused(second.token);
    const third = await ask();
    await orgs.removeMember(core, { principal: owner, orgId, memberId: third.member.id });
    await refused(third.token);
    expect(await orgs.members(core, { principal: owner, orgId })).toHaveLength(1);
  });
});

describe('roles', () => {
  const acts: Record<string, (principal: Principal) => Promise<unknown>> = {
    read: (principal) => orgs.get(core, { principal, orgId }),
    members: (principal) =>
      orgs.invite(core, { principal, orgId, email: `x${++people}@example.com`, role: 'member' }),
    documents: (principal) => orgs.createContract(core, { principal, orgId, ...contract }),
    spend: (principal) => orgs.createPurchaseOrder(core, { principal, orgId, ...order }),
    policies: (principal) => orgs.createPolicy(core, { principal, orgId, ...monthly(5n) }),
    marketplaces: (principal) => orgs.createMarketplace(core, { principal, orgId, name: 'Acme Internal' }),
  };

  it.each(orgs.roles)('%s may do what the table says, and nothing else', async (role) => {
    const principal = await joined(role);
    for (const [act, run] of Object.entries(acts)) {
      const done = run(principal);
      if (orgs.mayDo(role, act as orgs.Act)) await done;
      else await expect(done).rejects.toMatchObject({ kind: 'forbidden' });
    }
  });

  it('to a stranger the organization does not exist, nor to a member who was removed', async () => {
    const member = await joined('admin');
    const memberId = (await memberOf(member)).id;
    await orgs.removeMember(core, { principal: owner, orgId, memberId });
    for (const principal of [await developer(), member])
      for (const run of Object.values(acts))
        await expect(run(principal)).rejects.toMatchObject({ kind: 'org_not_found' });
    expect((await orgs.list(core, { principal: member })).orgs).toEqual([]);
  });

  it('an organization keeps an owner, whom only an owner makes or removes', async () => {
    const admin = await joined('admin');
    const own = await memberOf(owner);
    const remove = (principal: Principal) => orgs.removeMember(core, { principal, orgId, memberId: own.id });
    await expect(remove(admin)).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(
      orgs.invite(core, { principal: admin, orgId, email: 'boss@example.com', role: 'owner' }),
    ).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(remove(owner)).rejects.toMatchObject({ reason: 'last_owner' });
    await joined('owner');
    expect(await remove(owner)).toMatchObject({ status: 'removed' });
  });

  it('two owners who leave at once leave one', async () => {
    await joined('owner');
    const all = await orgs.members(core, { principal: owner, orgId });
    const results = await Promise.allSettled(
      all.map(({ id, partyId }) =>
        orgs.removeMember(core, {
          principal: { ...owner, party: { id: partyId as string, kind: 'developer' } },
          orgId,
          memberId: id,
        }),
      ),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a policy', () => {
  const operator = () => identity.authenticate(core, { accepts: ['admin'], secret: ADMIN_KEY });

  async function gateway(money: bigint) {
    const made = await party('gateway');
    const principal: Principal = { party: made, scopes: [], credentialId: 'key' };
    const wallet = await db.tx(async (tx) => {
      await policies.setOrgs(tx, { partyId: made.id, orgs: [orgId] });
      return wallets.open(core, tx, { ownerId: made.id, currency: 'USD' });
    });
    await wallets.fund(core, { principal, walletId: wallet.id, amount: money, source: 'test_faucet' });
    const pay = (amount: bigint) =>
      payments.create(core, { principal, fromWalletId: wallet.id, toExternal: 'seller', amount });
    return { principal, pay };
  }

  it('caps what all gateways of the organization spend in a month, and each refusal is logged with its policy', async () => {
    const { id: policyId } = await orgs.createPolicy(core, {
      principal: owner,
      orgId,
      ...monthly(500_000_000n),
    });
    const [a, b] = [await gateway(1_000_000_000n), await gateway(1_000_000_000n)];
    await a.pay(300_000_000n);
    const refused = await b.pay(200_000_001n).catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: 'policy_denied', reason: 'org_monthly_limit' });
    await orgs.noteRefusal(core, { principal: b.principal, error: refused });
    await orgs.noteRefusal(core, { principal: b.principal, error: new Error('another') });
    expect((await orgs.policyLogs(core, { principal: owner, orgId })).logs).toMatchObject([
      { policyId, action: 'enforced', partyId: b.principal.party.id, cap: 500_000_000n, spent: 300_000_000n },
    ]);
    await b.pay(200_000_000n);
  });

  it('is shown with its rules, and once deleted leaves the list and stops nothing; its log stays', async () => {
    const { id: policyId } = await orgs.createPolicy(core, { principal: owner, orgId, ...monthly(1n) });
    const { pay, principal } = await gateway(1_000_000n);
    await orgs.noteRefusal(core, { principal, error: await pay(2n).catch((error: unknown) => error) });
    expect((await orgs.listPolicies(core, { principal: owner, orgId })).policies).toMatchObject([
      { id: policyId, rules: [{ kind: 'monthly_usdc', amount: 1n }] },
    ]);
    await orgs.removePolicy(core, { principal: owner, orgId, policyId });
    await orgs.removePolicy(core, { principal: owner, orgId, policyId });
    expect((await orgs.listPolicies(core, { principal: owner, orgId })).policies).toEqual([]);
    await pay(2n);
    expect(await orgs.policyLogs(core, { principal: await operator(), orgId })).toMatchObject({ total: 1 });
  });
});

describe('a purchase order', () => {
  it('is drawn down by what is invoiced, never beyond it, and what is not owed any more returns', async () => {
    const { id: purchaseOrderId } = await orgs.createPurchaseOrder(core, {
      principal: owner,
      orgId,
      ...order,
    });
    const draw = (amount: bigint) => db.tx((tx) => orgs.draw(tx, { orgId, purchaseOrderId, amount }));
    expect(orgs.purchaseOrderStatus(await draw(600n))).toBe('open');
    await expect(draw(401n)).rejects.toMatchObject({
      kind: 'purchase_order_exhausted',
      details: { remaining: 400n },
    });
    expect(orgs.purchaseOrderStatus(await draw(400n))).toBe('exhausted');
    await db.tx((tx) => orgs.undraw(tx, { purchaseOrderId, amount: 600n }));
    expect(await draw(600n)).toMatchObject({ drawn: 1_000n });
  });
});
