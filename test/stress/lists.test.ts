import {
  agents,
  agreements,
  apiKeys,
  approvals,
  audit,
  billing,
  catalog,
  developers,
  disputes,
  gateways,
  marketplace,
  payments,
  payouts,
  purchases,
  requests,
  wallets,
  webhooks,
} from '@agentpay/core';
import type { Core, PartyKind, Principal } from '@agentpay/core';
import type { Db, SqlValue } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase } from '@agentpay/testing';
import type { TestDatabase } from '@agentpay/testing';
import { signedIn, testCore } from '../flows/market.js';
import type { SignedIn } from '../flows/market.js';

const PAYMENTS = 12_000;
/** Every third payment is made by the trader, every fourth is to it, every twelfth is from one of its wallets to another. */
const CONCERNED = PAYMENTS / 3 + PAYMENTS / 4 - PAYMENTS / 12;

let database: TestDatabase;
let db: Db;
let core: Core;
let trader: SignedIn;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 10, connectTimeoutMs: 300_000 });
  ({ core } = await testCore(db));
  trader = await signedIn(core, 'Trader');
  const { id } = trader.agent;
  // Three of them come in each second.
  await db.query(
    `insert into payments (id, rail, payer_id, payer_wallet_id, payee_id, payee_wallet_id, amount, fee, fee_mode, currency, status,
       refunded, attempts, created_at, completed_at)
     select 'tx_' || lpad(n::text, 26, '0'), 'internal', case when n % 3 = 0 then $1 else 'agent_' || n % 100 end, 'wallet_a',
       case when n % 4 = 0 then $1 else 'agent_' || n % 70 end, 'wallet_b', n, 0, 'on_top', 'USD',
       case when n % 5 = 0 then 'failed' else 'completed' end, 0, 0, at, case when n % 5 = 0 then null else at end
     from generate_series(1, ${PAYMENTS}) as n, lateral (select timestamptz '2026-01-01' + n / 3 * interval '1 second' as at) as made`,
    [id],
  );
  await db.exec('vacuum analyze payments');
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

/** What the list is to give, as one looks at every payment. */
async function wanted(condition = 'true'): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from payments where (payer_id = $1 or payee_id = $1) and ${condition} order by created_at desc, id desc`,
    [trader.agent.id],
  );
  return rows.map(({ id }) => id);
}

describe('the payments of one who makes and receives thousands', () => {
  it('are read page by page, each once, and counted', async () => {
    const all = await wanted();
    expect(all).toHaveLength(CONCERNED);
    const seen: string[] = [];
    for (let cursor: string | null | undefined = ''; cursor !== null;) {
      const page: Awaited<ReturnType<typeof payments.list>> = await payments.list(core, {
        principal: trader.principal,
        limit: 100,
        cursor,
      });
      expect(page.total).toBe(CONCERNED);
      seen.push(...page.payments.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(all);
  });

  it.each([0, 1, 99, 2_500, CONCERNED - 3, CONCERNED])('are read from position %i on', async (offset) => {
    const page = await payments.list(core, { principal: trader.principal, limit: 10, offset });
    expect(page.payments.map(({ id }) => id)).toEqual((await wanted()).slice(offset, offset + 10));
    expect(page.total).toBe(CONCERNED);
  });

  it('are filtered and counted', async () => {
    const failed = await wanted("status = 'failed'");
    const page = await payments.list(core, { principal: trader.principal, status: 'failed', limit: 50 });
    expect(page.payments.map(({ id }) => id)).toEqual(failed.slice(0, 50));
    expect(page.total).toBe(failed.length);
  });

  it('are put in order by indexes, and no others are looked at', async () => {
    const plans = await plansOf((on) => payments.list(on, { principal: trader.principal }));
    expect(plans).toEqual([expect.stringContaining('Merge Append')]);
    expect(plans.filter(sortsAll)).toEqual([]);
  });
});

describe('a page of a list', () => {
  const operator: Principal = {
    party: { id: 'platform', kind: 'platform' },
    scopes: [],
    credentialId: 'admin',
  };
  const as = (kind: PartyKind) => ({ principal: { ...operator, party: { id: `a_${kind}`, kind } } });
  const byOperator = { principal: operator };
  const lists: Record<string, (core: Core) => Promise<unknown>> = {
    'agents of a user': (on) => agents.listOwned(on, as('user')),
    'agreements of an agent': (on) => agreements.list(on, as('agent')),
    'agreements of a user': (on) => agreements.list(on, as('user')),
    'agreements of a buyer': (on) => agreements.list(on, { ...as('agent'), role: 'buyer' }),
    'agreements of a seller': (on) => agreements.list(on, { ...as('agent'), role: 'seller' }),
    'all agreements': (on) => agreements.list(on, byOperator),
    'API keys': (on) => apiKeys.list(on, as('user')),
    'approvals of a party': (on) => approvals.list(on, as('user')),
    'all approvals': (on) => approvals.list(on, byOperator),
    'audit log': (on) => audit.list(on, byOperator),
    'audit log of a tenant': (on) => audit.list(on, as('agent')),
    bundles: (on) => billing.listBundles(on, {}),
    'all grants': (on) => billing.listGrants(on, byOperator),
    'all developers': (on) => developers.list(on, byOperator),
    'payouts of a developer': (on) => developers.listPayouts(on, as('developer')),
    'disputes of a party': (on) => disputes.list(on, as('agent')),
    'all disputes': (on) => disputes.list(on, byOperator),
    'calls of a gateway': (on) => gateways.listCalls(on, as('gateway')),
    'all gateways': (on) => gateways.list(on, byOperator),
    listings: (on) => catalog.search(on.db, {}),
    services: (on) => marketplace.list(on, {}),
    'payments of a party': (on) => payments.list(on, as('agent')),
    'payouts of a party': (on) => payouts.list(on, as('agent')),
    'purchases of a party': (on) => purchases.spent(on, as('agent')),
    'requests of a party': (on) => requests.list(on, as('agent')),
    'all wallets': (on) => wallets.listAll(on, { ...byOperator, currency: 'USD' }),
    webhooks: (on) => webhooks.list(on, as('agent')),
  };

  it.each(Object.entries(lists))('is read in order, no further than it goes: %s', async (_name, list) => {
    // What the planner takes all the same has no index.
    const plans = await plansOf(list, ['enable_seqscan', 'enable_sort', 'enable_bitmapscan']);
    expect(plans).not.toEqual([]);
    expect(plans.filter(sortsAll)).toEqual([]);
  });
});

const sortsAll = (plan: string) => /Seq Scan|Bitmap|-> +Sort/.test(plan);

/** How PostgreSQL finds the rows of a page, with some ways of doing so switched off. */
async function plansOf(list: (on: Core) => Promise<unknown>, off: readonly string[] = []): Promise<string[]> {
  const pages: [text: string, params: readonly SqlValue[] | undefined][] = [];
  const query: Db['query'] = (text, params) => {
    if (text.includes(' limit $')) pages.push([text, params]);
    return db.query(text, params);
  };
  await list({ ...core, db: { ...db, query } });
  return db.tx(async (tx) => {
    for (const way of off) await tx.query(`set local ${way} = off`);
    const plans: string[] = [];
    for (const [text, params] of pages) {
      const lines = await tx.query<Record<string, string>>(`explain ${text}`, params);
      plans.push(lines.map((row) => Object.values(row)[0]).join('\n'));
    }
    return plans;
  });
}
