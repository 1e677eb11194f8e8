import { catalog, developers, gateways, identity, ledger, orgs, parties, feeOn } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { OutboundError, type Db, type FetchOut, type ManualClock } from '@agentpay/primitives';
import { pgDb, type ScratchDb } from '@agentpay/storage';
import { ownDb, testCore } from './market.js';

const operator = { party: parties.platform, scopes: [], credentialId: 'admin' };
const PRICE = 1_000_001n;
const FUNDS = 100n * PRICE;

let scratch: ScratchDb;
let dbs: Db[];
/** Two replicas on one database. */
let core: Core;
let other: Core;
let clock: ManualClock;
let answer: FetchOut;
let asked: string[];

const json = (body: unknown, status = 200) => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
  url: '',
});
const failing =
  (fault: 'timeout' | 'aborted' | 'connection_failed'): FetchOut =>
  async () => {
    throw new OutboundError(fault, 'no', true);
  };

beforeAll(async () => {
  scratch = await ownDb();
  dbs = [await pgDb({ url: scratch.url, max: 8 }), await pgDb({ url: scratch.url, max: 8 })];
  const endpoints = {
    assertAllowed: () => undefined,
    fetchOut: ((url, request) => {
      asked.push(String(request?.body));
      return answer(url, request);
    }) as FetchOut,
  };
  const [first, second] = [
    await testCore(dbs[0] as Db, { endpoints }),
    await testCore(dbs[1] as Db, { endpoints }),
  ];
  ({ core, clock } = first);
  other = { ...second.core, clock };
});
beforeEach(() => {
  asked = [];
  answer = async () => json({ summary: 'Sales grew.' });
});
afterEach(async () => expect(await ledger.verifyLedger(core.db)).toEqual([]));
afterAll(async () => {
  await Promise.all(dbs.map((db) => db.close()));
  await scratch.close();
});

async function developer() {
  const { developer: made } = await developers.register(core, { email: 'dev@example.com', name: 'Dev Co' });
  const { key } = await developers.approve(core, { principal: operator, developerId: made.id });
  const principal = await identity.authenticate(core, { accepts: ['developer'], secret: key as string });
  return { ...made, principal };
}

async function gateway(funds = FUNDS, orgId?: string) {
  const made = await gateways.create(core, { principal: operator, name: 'Acme', orgId });
  const principal = await identity.authenticate(core, { accepts: ['gateway'], secret: made.key });
  const { id, walletId } = made.gateway;
  const postings = ledger.movements.faucetFund({ walletId, asset: 'USDC', amount: funds });
  await core.db.tx((tx) => ledger.post(core, tx, { key: `fund:${id}`, kind: 'test', postings }));
  return { ...made.gateway, key: made.key, principal };
}

/** A listing that a funded gateway has provisioned. */
async function market({
  quota = FUNDS,
  funds = FUNDS,
  sla,
}: { quota?: bigint; funds?: bigint; sla?: object } = {}) {
  const seller = await developer();
  const listing = await catalog.create(core, {
    principal: seller.principal,
    name: 'DataBot',
    category: 'analytics',
    endpointUrl: 'https://agent.example/run',
    methods: [{ name: 'summarize', price: PRICE }],
    ...(sla && { sla }),
  });
  await catalog.approve(core, { principal: operator, listingId: listing.id });
  const buyer = await gateway(funds);
  const { principal } = buyer;
  await gateways.provision(core, { principal, listingId: listing.id, quota });
  const call = (by: Core = core, more: Partial<gateways.CallRequest> = {}) =>
    gateways.queue(by, { principal, listingId: listing.id, input: { task: 'summarize' }, ...more });
  const read = (callId: string) => gateways.getCall(core, { principal, callId });
  const money = () => ledger.walletMoney(core.db, { walletId: buyer.walletId, asset: 'USDC' });
  const quotaUsed = async () => (await gateways.provisioned(core, principal))[0]?.quota.used;
  const spent = async () => (await gateways.usage(core, { principal })).amount;
  const earned = async () => (await developers.earnings(core, { principal: seller.principal })).total;
  return { seller, listing, buyer, principal, call, read, money, quotaUsed, spent, earned };
}

describe('a call', () => {
  it('is paid when the agent has done it: 95 % to its developer, by the books, the usage and the earnings alike', async () => {
    const { call, read, money, quotaUsed, spent, earned, seller } = await market();
    const queued = await call();
    expect(queued.status).toBe('queued');
    expect(await money()).toEqual({ available: FUNDS - PRICE, held: PRICE });
    await gateways.run(core, { callId: queued.id });
    expect(await read(queued.id)).toMatchObject({
      status: 'completed',
      input: { task: 'summarize' },
      output: { summary: 'Sales grew.' },
      failure: null,
    });
    const fee = feeOn(PRICE, core.settings.fees.marketplace);
    expect(fee).toBe(50_000n);
    expect([await money(), await spent(), await earned()]).toEqual([
      { available: FUNDS - PRICE, held: 0n },
      PRICE,
      PRICE - fee,
    ]);
    const paid = await ledger.walletMoney(core.db, { walletId: seller.walletId, asset: 'USDC' });
    expect(paid).toEqual({ available: PRICE - fee, held: 0n });
    expect(await quotaUsed()).toBe(PRICE);
    expect(asked.map((body) => JSON.parse(body))).toMatchObject([
      { call_id: queued.id, method: 'summarize', input: { task: 'summarize' } },
    ]);
  });

  it.each([
    ['http_500', async () => json({}, 500)],
    ['http_400', async () => json({}, 400)],
    ['http_302', async () => json({}, 302)],
    ['sla_exceeded', failing('timeout')],
    ['connection_failed', failing('connection_failed')],
    ['interrupted', failing('aborted')],
    ['malformed', async () => ({ ...json(1), body: Buffer.from('{') })],
  ] as [string, FetchOut][])(
    'that fails by %s costs nothing, and leaves quota and usage as they were',
    async (failure, how) => {
      answer = how;
      const { call, read, money, quotaUsed, spent, earned } = await market();
      const { id } = await call();
      await gateways.run(core, { callId: id });
      expect(await read(id)).toMatchObject({ status: 'failed', failure, output: null });
      expect(await money()).toEqual({ available: FUNDS, held: 0n });
      expect([await quotaUsed(), await spent(), await earned()]).toEqual([0n, 0n, 0n]);
    },
  );

  it('is carried out once, whoever tries at once', async () => {
    const { call, read, spent } = await market();
    const { id } = await call();
    await Promise.all([core, other, core, other].map((by) => gateways.run(by, { callId: id })));
    expect([asked.length, (await read(id)).status, await spent()]).toEqual([1, 'completed', PRICE]);
  });

  it('under one key is made once, on all replicas together, and another one under it is refused', async () => {
    const { call, money } = await market();
    const calls = await Promise.all(
      Array.from({ length: 20 }, (_, i) => call(i % 2 ? core : other, { idempotencyKey: 'k' })),
    );
    expect(new Set(calls.map(({ id }) => id)).size).toBe(1);
    expect(await money()).toEqual({ available: FUNDS - PRICE, held: PRICE });
    await expect(call(core, { idempotencyKey: 'k', input: { task: 'translate' } })).rejects.toMatchObject({
      kind: 'conflict',
      reason: 'idempotency_key_reused',
    });
  });

  it('whose process dies is ended by another, unpaid; what the dead one still hears changes nothing', async () => {
    const { call, read, money, quotaUsed, spent } = await market();
    let respond = (): void => {};
    const late = new Promise<void>((resolve) => (respond = resolve));
    answer = () => late.then(() => json({ summary: 'Late.' }));
    const { id, windowSeconds } = await call();
    const dead = gateways.run(core, { callId: id });
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await gateways.endLeft(other, { limit: 10 })).done).toEqual({ interrupted: 0 });
    clock.advance((windowSeconds + 15) * 1000);
    const ends = await Promise.all([core, other].map((by) => gateways.endLeft(by, { limit: 10 })));
    expect(ends.flatMap(({ failures }) => failures)).toEqual([]);
    expect(await read(id)).toMatchObject({ status: 'failed', failure: 'interrupted' });
    respond();
    await dead;
    expect(await read(id)).toMatchObject({ status: 'failed', output: null });
    expect([await money(), await quotaUsed(), await spent()]).toEqual([
      { available: FUNDS, held: 0n },
      0n,
      0n,
    ]);
  });

  it('that was queued by a process that died is found by another', async () => {
    const { call, read } = await market();
    const { id } = await call();
    expect(await gateways.pickUp(other, { limit: 1_000 })).not.toContain(id);
    clock.advance(2_000);
    expect(await gateways.pickUp(other, { limit: 1_000 })).toContain(id);
    await gateways.run(other, { callId: id });
    expect((await read(id)).status).toBe('completed');
  });

  it('is paid at the price it was made at', async () => {
    const { call, listing, seller, spent } = await market();
    const { id } = await call();
    const methods = [{ name: 'summarize', price: PRICE * 3n }];
    await catalog.setMethods(core, { principal: seller.principal, listingId: listing.id, methods });
    await gateways.run(core, { callId: id });
    expect(await spent()).toBe(PRICE);
    await expect(call(other, { maxPrice: PRICE })).rejects.toMatchObject({ kind: 'price_above_limit' });
  });

  it.each([
    ['suspended', 'suspend'],
    ['developer_suspended', 'developer'],
    ['not_priced', 'methods'],
    ['pending', 'move'],
  ])('is refused while the listing is %s, at once on every replica', async (reason, what) => {
    const { call, listing, seller, money } = await market();
    await Promise.all([call(core), call(other)]);
    const before = await money();
    const own = { principal: seller.principal, listingId: listing.id };
    if (what === 'suspend') await catalog.suspend(core, { ...own, principal: operator });
    if (what === 'developer') await developers.suspend(core, { principal: operator, developerId: seller.id });
    if (what === 'methods') await catalog.setMethods(core, { ...own, methods: [] });
    if (what === 'move') await catalog.update(core, { ...own, endpointUrl: 'https://other.example/' });
    for (const by of [core, other])
      await expect(call(by)).rejects.toMatchObject({ kind: 'listing_not_callable', reason });
    expect(await money()).toEqual(before);
  });

  it('means the method that is named, or that the input names, or the only one', async () => {
    const { call, listing, seller } = await market();
    const methods = ['summarize', 'translate'].map((name, i) => ({ name, price: PRICE + BigInt(i) }));
    await catalog.setMethods(core, { principal: seller.principal, listingId: listing.id, methods });
    expect(await call(core, { input: { task: 'translate' } })).toMatchObject({ price: PRICE + 1n });
    expect(await call(core, { input: {}, method: 'summarize' })).toMatchObject({ price: PRICE });
    for (const unclear of [{ input: {} }, { input: { task: 'dance' } }, { method: 'dance' }])
      await expect(call(core, unclear)).rejects.toMatchObject({ kind: 'invalid_request', param: 'method' });
  });

  it('of another gateway is unknown', async () => {
    const { call } = await market();
    const { id } = await call();
    const { principal } = await gateway();
    await expect(gateways.getCall(core, { principal, callId: id })).rejects.toMatchObject({
      kind: 'call_not_found',
    });
  });

  it('has the window of its listing, or the shorter one of the contract that the organization has', async () => {
    const { listing, seller } = await market({ sla: { maxCompletionSeconds: 30 } });
    const member = await developer();
    const org = await orgs.create(core, { principal: member.principal, name: 'Acme Labs' });
    const { principal } = await gateway(FUNDS, org.id);
    const quota = { principal, listingId: listing.id, quota: FUNDS };
    await gateways.provision(core, quota);
    const call = () => gateways.queue(core, { ...quota, input: {} });
    expect((await call()).windowSeconds).toBe(30);
    for (const [maxCompletionSeconds, expected] of [
      [10, 10],
      [300, 30],
    ] as const) {
      const { id: contractId } = await catalog.draftContract(core, {
        principal: member.principal,
        listingId: listing.id,
        orgId: org.id,
        terms: 'standard',
        maxCompletionSeconds,
      });
      await catalog.acceptContract(core, { principal: seller.principal, listingId: listing.id, contractId });
      expect((await call()).windowSeconds).toBe(expected);
    }
  });

  it('is under the rules of the organization of its gateway, and a refusal stands in its log', async () => {
    const { listing } = await market();
    const member = await developer();
    const org = await orgs.create(core, { principal: member.principal, name: 'Acme Labs' });
    const terms = [{ kind: 'monthly_usdc', amount: PRICE * 2n }] as never;
    await orgs.createPolicy(core, { principal: member.principal, orgId: org.id, name: 'Cap', terms });
    const [a, b] = [await gateway(FUNDS, org.id), await gateway(FUNDS, org.id)];
    const call = async ({ principal }: typeof a, by: Core) => {
      const quota = { principal, listingId: listing.id, quota: FUNDS };
      await gateways.provision(core, quota);
      // As the server does with every refusal.
      return gateways.queue(by, { ...quota, input: {} }).catch(async (error: unknown) => {
        await orgs.noteRefusal(by, { principal, error });
        throw error;
      });
    };
    const tries = await Promise.allSettled([call(a, core), call(b, other), call(a, other), call(b, core)]);
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    const { logs } = await orgs.policyLogs(core, { principal: member.principal, orgId: org.id });
    expect(logs.map(({ reason }) => reason)).toEqual(['org_monthly_limit', 'org_monthly_limit']);
  });
});

describe('a quota', () => {
  it('of 7 calls lets 7 of 50 through that are made at once on two replicas, and no money more', async () => {
    const { call, money, quotaUsed } = await market({ quota: 7n * PRICE + PRICE / 2n });
    const tries = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => call(i % 2 ? core : other)));
    const refused = tries.flatMap((one) => (one.status === 'rejected' ? [one.reason.kind as string] : []));
    expect(refused).toEqual(Array.from({ length: 43 }, () => 'quota_exceeded'));
    expect(await quotaUsed()).toBe(7n * PRICE);
    expect(await money()).toEqual({ available: FUNDS - 7n * PRICE, held: 7n * PRICE });
  });

  it('larger than the balance lets no call beyond the balance through', async () => {
    const { call, money } = await market({ funds: 3n * PRICE, quota: FUNDS });
    const tries = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => call(i % 2 ? core : other)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await money()).toEqual({ available: 0n, held: 3n * PRICE });
  });

  it('that is given anew counts anew; a call of the former one that fails gives nothing back to it', async () => {
    const { call, principal, listing, quotaUsed } = await market({ quota: PRICE });
    const { id } = await call();
    await expect(call()).rejects.toMatchObject({ kind: 'quota_exceeded', reason: 'quota_exceeded' });
    await gateways.provision(core, { principal, listingId: listing.id, quota: PRICE });
    await call(other);
    answer = failing('timeout');
    await gateways.run(core, { callId: id });
    expect(await quotaUsed()).toBe(PRICE);
  });

  it('is needed', async () => {
    const { listing } = await market();
    const { principal } = await gateway();
    await expect(gateways.queue(core, { principal, listingId: listing.id, input: {} })).rejects.toMatchObject(
      { kind: 'quota_exceeded', reason: 'not_provisioned' },
    );
  });
});

describe('a gateway', () => {
  it('whose calls come fifty at a time has them queued, carried out and paid by few statements in all', async () => {
    const { call, listing } = await market();
    const [db] = dbs as [Db];
    let sent = 0;
    const counting = { ...db, query: ((...of) => (sent++, db.query(...of))) as Db['query'] };
    const { core: counted } = await testCore(counting, { endpoints: core.ports.endpoints });
    const one = async () =>
      gateways.run(counted, { callId: (await call(counted)).id, listingId: listing.id });
    for (const ended of await Promise.all(Array.from({ length: 50 }, one)))
      expect(ended?.status).toBe('completed');
    expect(sent).toBeLessThanOrEqual(40);
  });

  it('that the operator has chosen a key for is made once by replicas that start at once', async () => {
    const key = `gw_live_${'a1'.repeat(24)}`;
    await Promise.all([core, other, core].map((by) => gateways.bootstrap(by, { key })));
    const signIn = (by: Core) => identity.authenticate(by, { accepts: ['gateway'], secret: key });
    const signedIn = await Promise.all([core, other].map(signIn));
    expect(new Set(signedIn.map(({ party }) => party.id)).size).toBe(1);
  });

  it('rotates its key with a day of overlap, and none when it was exposed', async () => {
    const { principal, key } = await gateway();
    const signIn = (secret: string) => identity.authenticate(core, { accepts: ['gateway'], secret });
    const second = await gateways.rotateKey(core, { principal, reason: 'rotation' });
    for (const secret of [second, key]) await signIn(secret);
    const third = await gateways.rotateKey(core, { principal, reason: 'exposure' });
    for (const secret of [second, key])
      await expect(signIn(secret)).rejects.toMatchObject({ kind: 'unauthorized' });
    await signIn(third);
  });
});
