import { fileURLToPath } from 'node:url';
import {
  approvals,
  billing,
  catalog,
  disputes,
  developers,
  gateways,
  jobs,
  ledger,
  orgs,
  parties,
  payments,
  payouts,
  type Core,
  type JobReport,
  type Principal,
} from '@agentpay/core';
import { manualClock, type Db } from '@agentpay/primitives';
import { transfers } from '@agentpay/server';
import { pgDb } from '@agentpay/storage';
import { eventually, spawnNode, testDatabase, type TestDatabase } from '@agentpay/testing';
import { fund, market, signedIn, START_MS, type SignedIn } from '../flows/market.js';
import { contradictions } from './books.js';
import { bundled } from './bundled.js';
import type { Stand } from './dyingJobs.js';
import { jobsCore, standing, works, type Agent, type Stop } from './jobsCore.js';
import { openOutside, REFUSED, RETURNED, SLOW, wronglyMoved } from './paperRails.js';

/** Databases are copied and processes are started, ten times; on a busy machine that is most of the time. */
const TIMEOUT_MS = 900_000;
const STAND_MS = 300_000;
const SCRIPT = fileURLToPath(new URL('dyingJobs.js', import.meta.url));
const HOUR_MS = 3_600_000;
const MOST_AT_ONCE = 100;
/** When the jobs run: months are over, invoices and authorizations late. */
const NOW_MS = START_MS + 35 * 24 * HOUR_MS;

/** Jobs of which there is nothing to see here: they read, or delete in one statement what nobody reads any more. */
const elsewhere = [
  'explorer.purge',
  'idempotency.purge',
  'ledger.verify',
  'purchases.forget',
  'purchases.wake', // purchases are killed at every step in flows/purchaseCrashes
  'sla.cleanup', // steps of a token's life are killed in apiKilled
  'marketplace.endpoints', // notes what an address said last
  'requests.purge',
  'users.purge',
  // Agreements and direct purchases are killed at every step in flows/agreementCrashes, purchases in flows/purchaseCrashes.
  'agreements.work',
  'agreements.relay',
  'agreements.direct',
  'agreements.left', // what a metered call had set aside: families/agreements/metering
  'purchases.work',
  'purchases.ended',
];

/** What has happened where the jobs have run, whatever its ids and times are. */
type Seen = Record<string, unknown>;

let origin: TestDatabase;
/** Where nobody died, and where a call was under way when its process did. */
let whole: Seen;
let interrupted: Seen;
/** How many changes each job makes. */
const changes: Record<string, number> = {};
const made: TestDatabase[] = [];

beforeAll(async () => {
  origin = await testDatabase();
  await on(origin, prepare);
  whole = await on(await copy(), (db) => runWhole(db, 'done'));
  interrupted = await on(await copy(), (db) => runWhole(db, 'interrupted'));
}, TIMEOUT_MS);
afterAll(async () => {
  for (const database of made) await database.drop();
  await origin?.drop();
}, TIMEOUT_MS);

async function copy(): Promise<TestDatabase> {
  const database = await testDatabase(origin);
  made.push(database);
  return database;
}

async function on<T>(database: TestDatabase, work: (db: Db) => Promise<T>): Promise<T> {
  const db = pgDb({ url: database.url, max: 1 });
  return work(db).finally(() => db.close());
}

/** Runs every job to its end. Later runs find nothing more to do. */
async function runWhole(db: Db, agent: Agent): Promise<Seen> {
  for (const [name, run] of works) {
    const counting = standing(db, undefined, () => undefined);
    await succeed(name, run(await jobsCore(counting, { nowMs: NOW_MS, agent, outside: db })));
    changes[name] = counting.changes();
  }
  await runAgain(db);
  const seen = await see(db);
  await runAgain(db);
  expect(await see(db)).toEqual(seen);
  expect(await wronglyMoved(db)).toEqual([]);
  return seen;
}

/** The runs after the one that was killed. */
async function runAgain(db: Db): Promise<void> {
  for (const hours of [1, 2]) {
    const core = await jobsCore(db, { nowMs: NOW_MS + hours * HOUR_MS });
    for (const [name, run] of [...works, ...works.slice(0, 1)]) await succeed(name, run(core, MOST_AT_ONCE));
  }
}

async function succeed(name: string, running: Promise<JobReport>): Promise<void> {
  expect([name, (await running).failures]).toEqual([name, []]);
}

it('every job that changes states is killed here, and has something to change', () => {
  const names = works.map(([name]) => name.replace(/ \d+$/, ''));
  const declared = [...jobs.map(({ name }) => name), ...Object.keys(transfers)];
  expect(declared.filter((name) => !names.includes(name) && !elsewhere.includes(name))).toEqual([]);
  expect(elsewhere.filter((name) => !declared.includes(name))).toEqual([]);
  // A run that finds nothing claims nothing: one statement.
  expect(works.filter(([name]) => (changes[name] as number) < (/ \d+$/.test(name) ? 2 : 1))).toEqual([]);
});

it(
  'every job, its process killed by SIGKILL before and after each of its changes: later runs do the rest, and nothing twice',
  async () => {
    const most = Math.max(...Object.values(changes));
    for (let number = 1; number <= most; number++) {
      const stops: Stop[] = [
        { number, where: 'before' },
        { number, where: 'after' },
      ];
      const databases = [await copy(), await copy()];
      await killStanding(stops, databases);
      for (const [i, stop] of stops.entries())
        await on(databases[i] as TestDatabase, (db) => endsWell(db, stop));
    }
  },
  TIMEOUT_MS,
);

/** One process runs all jobs on both databases; each stands still at its change of that number, and then it is killed. */
async function killStanding(stops: readonly Stop[], databases: readonly TestDatabase[]): Promise<void> {
  const stands = stops.map((stop, i): Stand => ({ stop, databaseUrl: (databases[i] as TestDatabase).url }));
  const env = { STANDS: JSON.stringify(stands), NOW_MS: String(NOW_MS) };
  const process = spawnNode(await bundled(SCRIPT), { env });
  const [, said = '[]'] = await process.line(/^all stand: (.*)$/, STAND_MS).finally(() => process.kill());
  const standAt = ({ number }: Stop) =>
    Object.fromEntries(
      works.map(([name]) => [name, number <= (changes[name] as number) ? 'stands still' : 'has ended']),
    );
  expect(JSON.parse(said)).toEqual(stops.map(standAt));
}

async function endsWell(db: Db, stop: Stop): Promise<void> {
  await noneLeft(db);
  expect([stop, await contradictions(db)]).toEqual([stop, []]);
  await runAgain(db);
  expect([stop, await see(db)]).toEqual([stop, diedInCall(stop) ? interrupted : whole]);
  expect([stop, await contradictions(db)]).toEqual([stop, []]);
  expect([stop, await wronglyMoved(db)]).toEqual([stop, []]);
}

/** Whether the call was begun and not ended: nobody knows what the agent did, so it costs nothing. */
function diedInCall({ number, where }: Stop): boolean {
  return (number === 1 && where === 'after') || (number === 2 && where === 'before');
}

/** PostgreSQL ends the session of a process that has died, and with it what was not committed. */
async function noneLeft(db: Db): Promise<void> {
  await eventually(async () => {
    const left = await db.query(
      `select pid from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    expect(left).toEqual([]);
  });
}

/** What a job leaves there depends on who was there before: chains of processes and sums. */
const DERIVED = `'ledger_chains', 'ledger_balances', 'ledger_totals'`;

async function see(db: Db): Promise<Seen> {
  const tables = await db.query<{ name: string; state: string | null }>(
    `select table_name as name, max(column_name) filter (where column_name in ('status', 'state')) as state
     from information_schema.columns join information_schema.tables using (table_schema, table_name)
     where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not in (${DERIVED}) group by 1`,
  );
  const counts = tables.map(
    ({ name, state }) =>
      `select '${name}' as name, ${state ? `"${state}"::text` : `''`} as state, count(*) as n from "${name}" group by 2`,
  );
  return {
    rows: await db.query(`${counts.join(' union all ')} order by 1, 2`),
    books: await db.query(
      'select account, asset, sum(amount)::text from ledger_postings group by 1, 2 order by 1, 2',
    ),
    events: await db.query('select type, count(*) from events group by 1 order by 1'),
    billed: await db.query(
      'select customer_id, subscription_id, amount, status, overdue from invoices order by 1, 2, 3, 4, 5',
    ),
  };
}

const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };

/** Something to do for every job. */
async function prepare(db: Db): Promise<void> {
  const core = await jobsCore(db, { nowMs: START_MS, cards: false });
  const later = (ms: number): Core => ({ ...core, clock: manualClock(NOW_MS - ms) });
  await openOutside(db);
  const owner = await developer(core, 0n);
  await prepareMonths(core, owner);
  await prepareLate(later(15 * 24 * HOUR_MS), owner);
  await prepareSpending(core, later(2 * HOUR_MS), owner);
  for (const amount of [42_000_000n, 7_000_000n]) await developer(later(2 * HOUR_MS), amount, true);
  const earner = await developer(later(2 * HOUR_MS), 5_000_000n);
  await developers.payout(later(2 * HOUR_MS), { principal: earner, amount: 2_000_000n, type: 'bank' });
  await prepareGateways(core, later(HOUR_MS), owner);
  await prepareRuntime(core, later(HOUR_MS));
  await prepareTransfers(core, later);
}

/** Subscriptions whose month is over and paid for: one goes on, one with fewer seats, and one has no money left. */
async function prepareMonths(core: Core, principal: Principal): Promise<void> {
  const { id: orgId } = await orgs.create(core, { principal, name: 'Acme Labs' });
  const order = { principal, orgId, amount: 40_000_000n, memo: 'One month' };
  const { id: purchaseOrderId } = await orgs.createPurchaseOrder(core, order);
  const pro = { principal, plan: 'pro' };
  await billing.subscribe(core, { ...pro, seatCount: 3 });
  const fewer = await billing.subscribe(core, { ...pro, seatCount: 5, orgId });
  const subscriptionId = fewer.subscription.id;
  await billing.setSeats(core, { principal, subscriptionId, seatCount: 2 });
  await billing.subscribe(core, { ...pro, seatCount: 1, orgId, purchaseOrderId });
  for (const { id: invoiceId } of (await billing.list(core, { principal })).invoices)
    await billing.markPaid(core, { principal: operator, invoiceId, note: 'ACH' });
}

/** Invoices that are late, one of a subscription whose month goes on. */
async function prepareLate(core: Core, principal: Principal): Promise<void> {
  await billing.subscribe(core, { principal, plan: 'starter', seatCount: 1 });
  const owed = { customerId: principal.party.id, amount: 3_000_000n, description: 'Support' };
  await billing.create(core, { principal: operator, ...owed });
}

/** An organization that has spent more in the month of the jobs than its owner wants to. */
async function prepareSpending(core: Core, later: Core, principal: Principal): Promise<void> {
  const { id: orgId } = await orgs.create(core, { principal, name: 'Acme Spending' });
  await billing.grant(later, { principal: operator, orgId, amount: 100_000_000n });
  const owed = { principal: operator, customerId: orgId, amount: 12_000_000n, description: 'Support' };
  const { id: invoiceId } = await billing.create(later, owed);
  await billing.pay(later, { principal, invoiceId });
  for (const threshold of [10_000_000n, 11_000_000n, 90_000_000n])
    await billing.createAlert(core, { principal, threshold });
}

const destination = {
  type: 'bank',
  routingNumber: '021000021',
  accountNumber: '123456789',
  accountType: 'checking',
  accountHolder: 'Dev Co',
} as const;

async function developer(core: Core, earned: bigint, account = false): Promise<Principal> {
  const { developer: made } = await developers.register(core, { email: 'dev@example.com', name: 'Dev Co' });
  await developers.approve(core, { principal: operator, developerId: made.id });
  const party = { id: made.id, kind: 'developer' as const };
  const principal: Principal = { party, scopes: [], credentialId: 'key' };
  if (earned > 0n) await give(core, made.walletId, earned);
  if (account) await developers.setPayoutAccount(core, { principal, destination });
  return principal;
}

async function give(core: Core, walletId: string, amount: bigint): Promise<void> {
  const postings = ledger.movements.faucetFund({ walletId, asset: 'USDC', amount });
  await core.db.tx((tx) => ledger.post(core, tx, { key: `fund:${walletId}`, kind: 'test', postings }));
}

async function gateway(core: Core): Promise<Principal> {
  const { gateway: made } = await gateways.create(core, { principal: operator, name: 'Acme' });
  await give(core, made.walletId, 100_000_000n);
  return { party: { id: made.id, kind: 'gateway' }, scopes: [], credentialId: 'key' };
}

/** Fundings that nobody has answered about, authorizations that nobody completes, a call that is queued and one that was left. */
async function prepareGateways(core: Core, later: Core, seller: Principal): Promise<void> {
  const funded = await gateway(core);
  for (const amount of [12_000_000n, REFUSED])
    await gateways.fund(later, { principal: funded, amount, source: 'stripe' });
  const { id: gatewayId } = (await gateway(core)).party;
  const expected = { network: 'base-sepolia', amount: 2_000_000n, gatewayId };
  const expectPaid = (by: Core, n: number, more: Partial<gateways.ExpectedPayment> = {}) => {
    const payer = `0x${String(n).repeat(40)}`;
    const payment = { status: 'settled' };
    return gateways.expectPayment(by, { ...expected, reference: `paid-${n}`, payer, payment, ...more });
  };
  const authorizes = { authorize: { memo: 'agent call' } };
  await expectPaid(later, 1);
  await expectPaid(later, 2, authorizes);
  await expectPaid(later, 3, { payment: { status: 'failed', reason: 'insufficient_funds' } });
  for (const n of [4, 5]) {
    const { reference } = await expectPaid(core, n, authorizes);
    await gateways.credit(core, { reference: reference as string });
  }
  await queueCall(core, later, seller);
  const left = await queueCall(core, later, seller);
  const deadline = new Date(NOW_MS - HOUR_MS / 2);
  await core.db.query(
    `update gateway_calls set status = 'running', started_at = $2, deadline = $2 where id = $1`,
    [left.id, deadline],
  );
}

/** A call by a gateway of its own. */
async function queueCall(core: Core, later: Core, seller: Principal): Promise<gateways.GatewayCall> {
  const principal = await gateway(core);
  const { id: listingId } = await catalog.create(core, {
    principal: seller,
    name: 'DataBot',
    category: 'analytics',
    endpointUrl: 'https://agent.example/run',
    methods: [{ name: 'summarize', price: 1_000_000n }],
  });
  await catalog.approve(core, { principal: operator, listingId });
  await gateways.provision(core, { principal, listingId, quota: 50_000_000n });
  return gateways.queue(later, { principal, listingId, input: { task: 'summarize' } });
}

/** An approval that nobody has decided, and points that a service has earned. */
async function prepareRuntime(core: Core, later: Core): Promise<void> {
  const { buyer, service } = await market(core);
  await fund(core, buyer, 1_000_000n);
  for (const reference of ['first', 'second'])
    await approvals.request(core, {
      payerId: buyer.principal.party.id,
      subject: 'payment',
      reference,
      amount: 1_000n,
      currency: 'USD',
      payee: service.id,
      rail: 'internal',
    });
  await later.db.query('insert into trust_changes (service_id, points) values ($1, -3), ($1, -2)', [
    service.id,
  ]);
}

/**
 * Payouts, payments and refunds by rails: such as pass at once, are asked about twice and are refused; a payout that comes back; refunds
 * that a rail brings back and such as it sends to an address; a payment that was not sent in its time.
 */
async function prepareTransfers(core: Core, later: (ms: number) => Core): Promise<void> {
  const owner = await signedIn(core, 'Owner');
  const { principal, walletId: fromWalletId } = owner;
  await fund(core, owner, 1_000_000_000n);
  const payOut = (by: Core, amount: bigint) =>
    payouts.create(by, { principal, fromWalletId, amount, destination });
  const pay = (by: Core, amount: bigint, rail: 'stripe' | 'base-usdc' = 'stripe') =>
    payments.create(by, { principal, fromWalletId, toExternal: 'acct_shop', amount, rail });
  await payOut(core, RETURNED);
  const paid = [await pay(core, 30_000_000n), await pay(core, 40_000_000n, 'base-usdc')];
  for (const work of [payouts.work, payments.progress]) await work(core, { limit: MOST_AT_ONCE });
  await pay(later(20 * HOUR_MS), 3_000_000n);
  for (const [i, amount] of [SLOW, REFUSED, 2_000_000n].entries()) {
    await payOut(later((4 - i) * HOUR_MS), amount);
    await pay(later((4 - i) * HOUR_MS), amount);
  }
  const [back, sent] = paid.map(({ id }) => id) as [string, string];
  const refund = (hours: number, paymentId: string, amount: bigint, toExternal?: string) =>
    payments.refund(later(hours * HOUR_MS), { principal: operator, paymentId, amount, toExternal });
  await prepareClaim(core, owner);
  await refund(8, back, 5_000_000n);
  await refund(7, back, REFUSED);
  await refund(6, sent, SLOW, `0x${'1'.repeat(40)}`);
  await refund(5, sent, 6_000_000n, `0x${'1'.repeat(40)}`);
}

/** What a payee had spent was given back by the platform, and they have got money since. */
async function prepareClaim(core: Core, payer: SignedIn): Promise<void> {
  const payee = await signedIn(core, 'Payee');
  const { principal, walletId: fromWalletId } = payer;
  const paid = { principal, fromWalletId, toWalletId: payee.walletId, amount: 10_040_000n };
  const { id: paymentId } = await payments.create(core, paid);
  const spent = { principal: payee.principal, fromWalletId: payee.walletId, toExternal: 'shop' };
  await payments.create(core, { ...spent, amount: 10_000_000n });
  const { id: disputeId } = await disputes.open(core, { principal, paymentId, reason: 'It never came.' });
  await disputes.resolve(core, { principal: operator, disputeId, resolution: 'refund' });
  await fund(core, payee, 20_000_000n);
}
