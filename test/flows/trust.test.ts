import { jobs, marketplace, tokens } from '@agentpay/core';
import type { Core, Job } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { market, ownDb, SLA_SECONDS, testCore } from './market.js';

let db: Db;
let core: Core;
let clock: ManualClock;
let place: Awaited<ReturnType<typeof market>>;

beforeAll(async () => {
  db = await ownDb();
  ({ core, clock } = await testCore(db));
});
beforeEach(async () => {
  place = await market(core);
});
afterAll(() => db.close());

const apply = () => (jobs.find((job) => job.name === 'marketplace.trust') as Job).run(core);
const trust = async () => (await marketplace.get(core, { serviceId: place.service.id })).trustScore;
const listed = async () =>
  (await marketplace.list(core, { limit: 100 })).services.find(({ id }) => id === place.service.id)
    ?.trustScore;

async function call(end: 'settled' | 'breached' | 'failed', lastsMs = 0): Promise<void> {
  const { seller, buyer, service } = place;
  const { signed, token } = await tokens.authorize(core, {
    principal: buyer.principal,
    serviceId: service.id,
    walletId: buyer.walletId,
  });
  const bySeller = { principal: seller.principal, tokenId: token.id };
  await tokens.verify(core, { principal: seller.principal, token: signed });
  await tokens.callStarted(core, bySeller);
  if (end === 'breached') {
    clock.advance(SLA_SECONDS * 1000);
    await tokens.sweep(core);
    return;
  }
  await tokens.callAccepted(core, bySeller);
  clock.advance(lastsMs);
  if (end === 'settled') await tokens.callCompleted(core, bySeller);
  else await tokens.callFailed(core, bySeller);
}

describe('trust', () => {
  it('is read as it is by now, and told to lists by a job that gathers many calls', async () => {
    for (let n = 0; n < 3; n++) await call('settled');
    await call('breached');
    expect(await trust()).toBe(48);
    clock.advance(5_000);
    expect(await listed()).toBe(50);
    expect(await apply()).toEqual({ done: { changed: 1 }, failures: [] });
    expect([await trust(), await listed()]).toEqual([48, 48]);
    expect(await apply()).toEqual({ done: { changed: 0 }, failures: [] });
  });

  it('stays within 0 and 100, change by change', async () => {
    const { id } = place.service;
    await db.query('update services set trust_score = 99 where id = $1', [id]);
    for (let n = 0; n < 3; n++) await call('settled');
    await call('breached');
    expect(await trust()).toBe(95);
    await apply();
    expect(await trust()).toBe(95);
    await db.query('update services set trust_score = 3 where id = $1', [id]);
    await call('breached');
    await call('settled');
    expect(await trust()).toBe(1);
    await apply();
    expect(await trust()).toBe(1);
  });

  it('is told once by jobs that run at the same time', async () => {
    for (let n = 0; n < 5; n++) await call('settled');
    await Promise.all([apply(), apply(), apply()]);
    expect(await trust()).toBe(55);
  });
});

describe('the SLA report', () => {
  const report = () => tokens.slaReport(core, { serviceId: place.service.id });

  it('of a service without calls says nothing of them', async () => {
    expect(await report()).toMatchObject({
      maxCompletionSeconds: SLA_SECONDS,
      calls: { settled: 0, breached: 0, failed: 0 },
      compliance: null,
      completionMs: null,
    });
  });

  it('counts the calls of thirty days and how long they took', async () => {
    for (const ms of [1_000, 2_000, 3_000, 9_000]) await call('settled', ms);
    await call('breached');
    await call('failed');
    expect(await report()).toMatchObject({
      calls: { settled: 4, breached: 1, failed: 1 },
      compliance: 0.8,
      completionMs: { p50: 2_000, p95: 9_000, max: 9_000 },
    });
    clock.advance(30 * 24 * 60 * 60 * 1000 + 10_000_000);
    expect((await report()).calls).toEqual({ settled: 0, breached: 0, failed: 0 });
  });

  it('is not of a service that nobody offers', async () => {
    await expect(tokens.slaReport(core, { serviceId: 'svc_none' })).rejects.toMatchObject({
      kind: 'service_not_found',
    });
  });
});
