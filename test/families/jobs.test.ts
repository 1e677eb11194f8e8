import { leaseMigration, underLease, startTokenJobs } from '@agentpay/server';
import { manualClock, sleep, systemClock, type Db, type Tracker } from '@agentpay/primitives';
import { migrate, pgliteDb } from '@agentpay/storage';
import { authorize, newAgent, newService, testApi } from './testApi.js';

describe('underLease', () => {
  let db: Db;
  const lease = { name: 'job', periodMs: 60_000, leaseMs: 300_000 };
  beforeAll(async () => {
    db = await pgliteDb();
    await migrate(db, [leaseMigration]);
  });
  afterAll(() => db.close());
  beforeEach(() => db.query('delete from job_leases'));

  it('lets one of many nodes run, once in a period', async () => {
    const clock = manualClock(0);
    let runs = 0;
    const node = () => underLease({ db, clock }, lease, async () => void runs++);
    expect((await Promise.all(Array.from({ length: 10 }, node))).filter(Boolean)).toHaveLength(1);
    clock.advance(59_999);
    expect(await node()).toBe(false);
    clock.advance(1);
    expect(await node()).toBe(true);
    expect(runs).toBe(2);
  });

  it('keeps the others out while it works, and lets them in when its holder died', async () => {
    const clock = manualClock(0);
    await db.query('insert into job_leases (name, held_until) values ($1, $2)', ['job', new Date(300_000)]);
    const node = () => underLease({ db, clock }, lease, async () => {});
    clock.advance(299_999);
    expect(await node()).toBe(false);
    clock.advance(1);
    expect(await node()).toBe(true);
  });

  it('gives the lease back when the work fails', async () => {
    const clock = manualClock(0);
    await expect(underLease({ db, clock }, lease, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    clock.advance(60_000);
    expect(await underLease({ db, clock }, lease, async () => {})).toBe(true);
  });
});

describe('the token jobs', () => {
  it.each([
    ['within a second of the deadline, from the tracker', 301_000, async () => {}],
    [
      'within a minute from the database, when the tracker has forgotten it',
      360_000,
      (tracker: Tracker) => tracker.close(),
    ],
  ])('return the money of an expired token %s', async (_when, afterMs, disturb) => {
    const api = await testApi();
    const { core, log } = api.composition;
    const jobs = startTokenJobs(core, log);
    try {
      const buyer = await newAgent(api, { funds: 1 });
      await authorize(api, buyer, await newService(api, buyer));
      await disturb(core.ports.tracker);
      const held = async () =>
        (await api.http.get(`/v1/wallets/${buyer.wallet}/balance`).set(buyer.auth)).body.held as number;
      expect(await held()).toBe(0.005);
      for (let passed = 0; passed < afterMs; passed += 1000) {
        api.clock.advance(1000);
        // Lets the run that the clock started reach the database and come back.
        await core.db.query('select 1');
        await sleep(systemClock, 0);
      }
      await jobs.stop();
      expect(await held()).toBe(0);
    } finally {
      await jobs.stop();
      await api.close();
    }
  });
});
