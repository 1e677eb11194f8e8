import type { Job } from '@agentpay/core';
import { createLogger, migrations, startJobs, watchTokens } from '@agentpay/server';
import { newId, sleep, systemClock, systemRandom, type Db } from '@agentpay/primitives';
import { jobs as declared, parties, tokens } from '@agentpay/core';
import { migrate } from '@agentpay/storage';
import { Writable } from 'node:stream';
import { testCore } from '../flows/market.js';
import { authorize, newAgent, newService, testApi } from './testApi.js';
import { freshDb } from '../stress/freshDb.js';

/** Longest wait for something that must happen; a busy machine takes its time. */
const BOUND_MS = 200_000;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + BOUND_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Not true within ${BOUND_MS} ms: ${holds}`);
    await sleep(systemClock, 20);
  }
}

/** What the process is told of from now on; it gives what there was, and listens no longer. */
function listenFor(name: 'unhandledRejection'): () => unknown[] {
  const heard: unknown[] = [];
  const hear = (reason: unknown) => void heard.push(reason);
  process.on(name, hear);
  return () => {
    process.off(name, hear);
    return heard;
  };
}

describe.each(['PostgreSQL', 'PGlite'] as const)('jobs on %s', (kind) => {
  let db: Db;
  let close: () => Promise<void>;
  const logged: string[] = [];
  const log = createLogger(
    'info',
    new Writable({
      write(chunk, _encoding, done) {
        logged.push(String(chunk));
        done();
      },
    }),
  );

  const job = (name: string, run: Job['run'], timeoutSeconds = 60): Job => ({
    name,
    cron: '0 0 1 1 *',
    timeoutSeconds,
    run,
  });
  const nothing = { done: {}, failures: [] };
  let names = 0;
  const newName = () => `test.job-${++names}`;
  const retries = { retryLimit: 1, retryDelay: 0, retryBackoff: false };
  const queue = (name: string) => db.query(`select pgboss.create_queue($1, '{"policy": "stately"}')`, [name]);
  const start = async (jobs: readonly Job[], on = db) => {
    for (const { name } of jobs) await queue(name);
    return startOn(on, jobs);
  };
  const startOn = async (on: Db, jobs: readonly Job[]) =>
    startJobs((await testCore(on)).core, { jobs, log, retries, pollSeconds: 0.5 });

  beforeAll(async () => {
    ({ db, close } = await freshDb(kind, 10));
    await migrate(db, migrations);
  });
  afterAll(() => close());

  it('try each row once before any that failed again, so that no number of those holds up the others', async () => {
    const { core, clock } = await testCore(db);
    const customer = { id: newId('developer', { clock, random: systemRandom }), kind: 'developer' as const };
    await db.tx((tx) => parties.create(tx, customer));
    const add = (lines: string, [from, to]: readonly [number, number]) =>
      db.query(
        `insert into invoices (id, customer_id, amount, lines, sellers, status, due_at, overdue, disputed, created_at)
         select 'inv_' || n, $1, 1, $2::jsonb, '[]', 'open', $3::timestamptz + n * interval '1 second', false, false, $3
         from generate_series($4::integer, $5) as n`,
        [customer.id, lines, new Date(clock.now() - 3_600_000), from, to],
      );
    await add('null', [1, 201]);
    await add('[]', [202, 202]);
    const overdue = declared.find(({ name }) => name === 'billing.overdue') as Job;
    const run = async () => {
      const { done, failures } = await overdue.run(core);
      return [failures.length, done['overdue']];
    };
    expect([await run(), await run(), await run()]).toEqual([
      [200, 0],
      [1, 1],
      [0, 0],
    ]);
    // They wait longer each time: a second, then two.
    await db.query("delete from invoices where id <> 'inv_7'");
    for (const [ms, failed] of [
      [999, 0],
      [1, 1],
      [1_999, 0],
      [1, 1],
    ] as const) {
      clock.advance(ms);
      expect(await run()).toEqual([failed, 0]);
    }
    await db.query('delete from invoices');
  });

  it('run when their schedule says so', async () => {
    let runs = 0;
    const name = newName();
    const jobs = await start([
      { ...job(name, async () => ({ ...nothing, done: { runs: ++runs } })), cron: '* * * * *' },
    ]);
    await until(() => runs > 0);
    await jobs.stop();
    expect(logged.some((line) => line.includes(name) && line.includes('job done'))).toBe(true);
  });

  it('run one at a time of all instances, however often they are asked for', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const name = newName();
    const work = job(name, async () => {
      most = Math.max(most, ++running);
      await sleep(systemClock, 50);
      running--;
      runs++;
      return nothing;
    });
    const instances = [await start([work]), await start([work]), await start([work])];
    // Requests that meet one that waits already are one with it: they are made until two have been run.
    for (let n = 0; n < 10 || runs < 2; n++) {
      for (const instance of instances) await instance.request(name);
      await sleep(systemClock, 100);
    }
    await Promise.all(instances.map((instance) => instance.stop()));
    expect(most).toBe(1);
  });

  it('that fail are tried again, and given up in the log when that does not help', async () => {
    const [flaky, broken] = [newName(), newName()];
    const tries = { flaky: 0, broken: 0 };
    const jobs = await start([
      job(flaky, () => (++tries.flaky === 1 ? Promise.reject(new Error('once')) : Promise.resolve(nothing))),
      job(broken, () => Promise.reject(new Error(`no ${++tries.broken}`))),
    ]);
    await jobs.request(flaky);
    await jobs.request(broken);
    const given = () => logged.filter((line) => line.includes('job given up'));
    await until(() => tries.flaky === 2 && given().length > 0);
    await jobs.stop();
    expect(tries.broken).toBe(2);
    expect(given()).toEqual([expect.stringContaining(broken)]);
  });

  it('do not end the process when their end cannot be written down', async () => {
    const name = newName();
    let [runs, lost] = [0, 0];
    const ends = (sql: string) => /FROM results\s*$/.test(sql);
    const losing: Db = {
      ...db,
      query: (sql, params) =>
        ends(sql) && lost++ === 0 ? Promise.reject(new Error('lost')) : db.query(sql, params),
    };
    const unhandled = listenFor('unhandledRejection');
    const jobs = await start([job(name, async () => ({ ...nothing, done: { runs: ++runs } }))], losing);
    await jobs.request(name);
    await until(() => logged.some((line) => line.includes('not written down') && line.includes('lost')));
    await jobs.stop();
    expect([runs, unhandled()]).toEqual([1, []]);
  });

  it('that were taken up are let go when the start fails, which says why', async () => {
    const [taken, missing] = [newName(), newName()];
    let begun = (): void => {};
    let fail = (): void => {};
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const failing = new Promise<void>((resolve) => (fail = resolve));
    let closed = false;
    const closing: Db = {
      ...db,
      async query(sql, params) {
        if (closed) throw new Error('Cannot use a database after it was closed');
        if (params?.includes(missing)) await beginning;
        return db.query(sql, params);
      },
    };
    const work = job(taken, async () => {
      begun();
      await failing;
      throw new Error('no database any more');
    });
    await queue(taken);
    await db.query(`insert into pgboss.job (name, data) values ($1, '{}')`, [taken]);
    const unhandled = listenFor('unhandledRejection');
    await expect(startOn(closing, [work, job(missing, work.run)])).rejects.toThrow(
      `Queue ${missing} not found`,
    );
    closed = true;
    fail();
    await sleep(systemClock, 1000);
    expect(unhandled()).toEqual([]);
  });

  it('end before stop resolves, and none begins after it', async () => {
    let [begun, finish] = [(): void => {}, (): void => {}];
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const finishing = new Promise<void>((resolve) => (finish = resolve));
    let [runs, ended] = [0, 0];
    const name = newName();
    const jobs = await start([
      job(name, async () => {
        runs++;
        begun();
        await finishing;
        await sleep(systemClock, 200);
        ended++;
        return nothing;
      }),
    ]);
    await jobs.request(name);
    await beginning;
    await jobs.request(name);
    const stopped = jobs.stop();
    finish();
    await stopped;
    expect([runs, ended]).toEqual([1, 1]);
    await sleep(systemClock, 1000);
    expect(runs).toBe(1);
  });
});

it('the declared jobs have names of their own', () => {
  const names = declared.map((job) => job.name);
  expect(names).toContain('sla.cleanup');
  expect(new Set(names).size).toBe(names.length);
});

describe('the money of an expired token returns', () => {
  const expired = async () => {
    const api = await testApi();
    const buyer = await newAgent(api, { funds: 1 });
    const { token_id: tokenId } = await authorize(api, buyer, await newService(api, buyer));
    const held = async () =>
      (await api.http.get(`/v1/wallets/${buyer.wallet}/balance`).set(buyer.auth)).body.held as number;
    expect(await held()).toBe(0.005);
    return { api, held, tokenId };
  };

  it('within a second of the deadline, from the tracker', async () => {
    const { api, held } = await expired();
    const watch = watchTokens(api.composition.core, api.composition.log);
    try {
      api.clock.advance(299_999);
      expect(await held()).toBe(0.005);
      for (let passed = 0; passed < 1_000; passed += 500) {
        api.clock.advance(500);
        // The look that the clock started ends before the clock goes on.
        await until(async () => (await held()) === 0 || passed === 0);
      }
      expect(await held()).toBe(0);
    } finally {
      await watch.stop();
      await api.close();
    }
  });

  it('from the database, when the tracker has forgotten it', async () => {
    const { api, held, tokenId } = await expired();
    const { core, log } = api.composition;
    const jobs = await startJobs(core, { jobs: declared, log, pollSeconds: 0.5 });
    try {
      await core.ports.tracker.forget(tokenId);
      api.clock.advance(300_000);
      expect(await tokens.sweepTracked(core)).toEqual({ expired: 0, breached: 0, failures: [] });
      await jobs.request('sla.cleanup');
      await until(async () => (await held()) === 0);
    } finally {
      await jobs.stop();
      await api.close();
    }
  });
});
