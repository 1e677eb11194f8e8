import { marketplace } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase } from '@agentpay/testing';
import type { TestDatabase } from '@agentpay/testing';
import { signedIn, testCore } from '../flows/market.js';

const SERVICES = 10_000;

let database: TestDatabase;
let db: Db;
let core: Core;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 10, connectTimeoutMs: 300_000 });
  ({ core } = await testCore(db));
  const { agent, walletId } = await signedIn(core, 'Seller');
  await db.query(
    `insert into services (id, provider_id, payout_wallet_id, name, slug, name_key, price, currency, category, trust_score, verified,
       status, created_at)
     select 'svc_' || lpad(n::text, 26, '0'), $1, $2, 'Service ' || n, 'service' || n, 'service' || n, 5000, 'USD',
       'category ' || n % 10, n % 101, n % 3 = 0, 'active', timestamptz '2026-01-01' + n * interval '1 second'
     from generate_series(1, ${SERVICES}) as n`,
    [agent.id, walletId],
  );
  await db.exec('analyze services; analyze service_totals');
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

describe('ten thousand services', () => {
  it('are read page by page, each once, while their trust changes', async () => {
    const seen = new Set<string>();
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null) {
      const page: marketplace.ServicePage = await marketplace.list(core, { cursor, limit: 100 });
      expect(page.total).toBe(SERVICES);
      for (const { id } of page.services) {
        expect(seen.has(id)).toBe(false);
        seen.add(id);
      }
      // One that was given rises above all others: with offsets, the next page would give one again.
      await db.query('update services set trust_score = 100 where id = $1', [page.services[0]?.id ?? '']);
      cursor = page.nextCursor ?? null;
      pages++;
    }
    expect([seen.size, pages]).toEqual([SERVICES, SERVICES / 100]);
  });

  it.each([
    [{}, SERVICES],
    [{ category: 'category 3' }, 1_000],
    [{ verified: true }, 3_333],
    [{ verified: false, category: 'category 0' }, 667],
    [{ category: 'none' }, 0],
  ])('are counted for %j', async (filter, total) => {
    expect((await marketplace.list(core, { ...filter, limit: 1 })).total).toBe(total);
  });

  it.each([
    ['no filter', ''],
    ['a category', "and category = 'category 3'"],
    ['a mark', 'and verified = true'],
  ])('are put in order by an index, with %s', async (_what, filter) => {
    const plan = await db.query<Record<string, string>>(
      `explain select * from services where status = 'active' ${filter} and (-trust_score, created_at, id) > (-50, '2026-01-01', '')
       order by -trust_score, created_at, id limit 100`,
    );
    const text = plan.map((row) => Object.values(row)[0]).join('\n');
    expect(text).toMatch(/Index Scan/);
    expect(text).not.toMatch(/Seq Scan|Sort/);
  });

  it('are counted right after changes that come at the same time', async () => {
    const ids = Array.from({ length: 200 }, (_, n) => `svc_${String(n + 1).padStart(26, '0')}`);
    await Promise.all(
      ids.map((id, n) =>
        db.query(
          n % 2 === 0
            ? "update services set status = 'suspended' where id = $1"
            : 'update services set verified = not verified, category = null where id = $1',
          [id],
        ),
      ),
    );
    const [row] = await db.query<{ wrong: bigint }>(
      `select count(*) as wrong from service_totals as kept where total <> (
         select count(*) from services where status = 'active' and (kept.category = '' or category = kept.category)
           and (kept.verified = '' or verified::text = kept.verified))`,
    );
    expect(row?.wrong).toBe(0n);
  });
});
