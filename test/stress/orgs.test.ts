import {
  ledger,
  orgs,
  parties,
  payments,
  policies,
  wallets,
  type Core,
  type Principal,
} from '@agentpay/core';
import { newId, systemRandom, type Db } from '@agentpay/primitives';
import { pgDb, scratchDb } from '@agentpay/storage';
import { ownDb, testCore } from '../flows/market.js';

const REPLICAS = 10;
const MONTHLY = 50_000_000n;
const PRICE = 1_000_000n;

let database: Awaited<ReturnType<typeof scratchDb>>;
/** Each with connections and caches of its own. */
let replicas: { db: Db; core: Core }[];
let owner: Principal;
let orgId: string;

beforeAll(async () => {
  database = await ownDb();
  replicas = await Promise.all(
    Array.from({ length: REPLICAS }, async () => {
      const db = pgDb({ url: database.url, max: 2, connectTimeoutMs: 300_000 });
      return { db, core: (await testCore(db)).core };
    }),
  );
  owner = { party: await party('developer'), scopes: [], credentialId: 'key' };
  ({ id: orgId } = await orgs.create(replica(0), { principal: owner, name: 'Acme Labs' }));
});
afterAll(async () => {
  expect(await ledger.verifyLedger(database)).toEqual([]);
  await Promise.all(replicas.map(({ db }) => db.close()));
  await database.close();
});

const replica = (index: number) => (replicas[index % REPLICAS] as { core: Core }).core;
const times = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.allSettled(Array.from({ length: count }, (_, index) => make(index)));
const done = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.filter(({ status }) => status === 'fulfilled').length;
const reasons = (results: readonly PromiseSettledResult<unknown>[]) =>
  new Set(
    results.flatMap((each) => (each.status === 'rejected' ? [each.reason.reason ?? each.reason.kind] : [])),
  );

const party = (kind: 'developer' | 'gateway') =>
  database.tx(async (tx) => {
    const made = { id: newId('credential', { clock: replica(0).clock, random: systemRandom }), kind };
    await parties.create(tx, made);
    return made;
  });

async function gateway(): Promise<(core: Core) => Promise<unknown>> {
  const made = await party('gateway');
  const principal: Principal = { party: made, scopes: [], credentialId: 'key' };
  const wallet = await database.tx(async (tx) => {
    await policies.setOrgs(tx, { partyId: made.id, orgs: [orgId] });
    return wallets.open(replica(0), tx, { ownerId: made.id, currency: 'USD' });
  });
  const fund = { principal, walletId: wallet.id, amount: 100n * PRICE, source: 'test_faucet' };
  await wallets.fund(replica(0), fund);
  const pay = { principal, fromWalletId: wallet.id, toExternal: 'seller', amount: PRICE };
  return (core) => payments.create(core, pay);
}

describe('ten replicas on one PostgreSQL', () => {
  it('5 gateways race for the monthly budget of their organization: all of it is spent, and not a unit more', async () => {
    const terms = [{ kind: 'monthly_usdc', amount: MONTHLY }] as const;
    await orgs.createPolicy(replica(0), { principal: owner, orgId, name: 'Budget Cap', terms });
    const gateways = await Promise.all(Array.from({ length: 5 }, gateway));
    const results = await times(100, (index) =>
      (gateways[index % 5] as (core: Core) => Promise<unknown>)(replica(index)),
    );
    expect([done(results), reasons(results)]).toEqual([50, new Set(['org_monthly_limit'])]);
    const seller = { account: ledger.external('seller'), asset: 'USD' };
    expect(await ledger.accountTotal(database, seller)).toBe(MONTHLY);
  });

  it('100 invoices race for a purchase order of 30: 30 draw on it', async () => {
    const { id: purchaseOrderId } = await orgs.createPurchaseOrder(replica(0), {
      principal: owner,
      orgId,
      amount: 30n,
      memo: 'Q2 credits',
    });
    const results = await times(100, (index) =>
      replica(index).db.tx((tx) => orgs.draw(tx, { orgId, purchaseOrderId, amount: 1n })),
    );
    expect([done(results), reasons(results)]).toEqual([30, new Set(['purchase_order_exhausted'])]);
    const { purchaseOrders } = await orgs.listPurchaseOrders(replica(1), { principal: owner, orgId });
    expect(purchaseOrders).toMatchObject([{ drawn: 30n, amount: 30n }]);
  });
});
