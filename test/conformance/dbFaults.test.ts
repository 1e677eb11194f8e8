import { isAgentPayError, type Db } from '@agentpay/primitives';
import { assertWritable, migrate, pgliteDb } from '@agentpay/storage';
import { eventually } from '@agentpay/testing';
import { commitGate, type CommitGate } from '../stress/commitGate.js';
import { openDbs } from './openDbs.js';
import { startPgBouncer, type PgBouncer } from './pgbouncer.js';

const thrown = (error: unknown) => error;

const database = openDbs();
const { open } = database;

describe('what a database, a role or a server has as its default', () => {
  const settings = [
    ['datestyle', 'German'],
    ['datestyle', 'SQL, DMY'],
    ['timezone', 'Asia/Kolkata'],
    ['intervalstyle', 'iso_8601'],
    ['standard_conforming_strings', 'off'],
    ['search_path', 'elsewhere'],
  ] as const;

  it.each(settings)('%s = %s changes neither what is read nor what is written', async (setting, value) => {
    const admin = open();
    await admin.exec(`create table if not exists public.moments (at timestamptz)`);
    await admin.exec(
      `truncate public.moments; alter database ${database.name()} set ${setting} = '${value}'`,
    );
    try {
      const at = new Date('2026-05-08T13:05:00.123Z');
      for (const options of [{ url: database.url() }, { url: await throughPgBouncer() }]) {
        const db = open(options);
        await db.query('insert into moments values ($1)', [at]);
        const [row] = await db.query(
          `select at, array_agg(at) over () as list, E'\\\\' = '\\' as plain, (interval '90 min')::text as span from moments limit 1`,
        );
        expect(row).toMatchObject({ at, plain: true, span: '01:30:00' });
        expect((row as { list: Date[] }).list[0]).toEqual(at);
      }
    } finally {
      await admin.exec(`alter database ${database.name()} reset ${setting}`);
    }
  });

  it.each([
    ['pg', async () => open()],
    ['PGlite', async () => database.closed(await pgliteDb())],
  ])('%s: a timestamp that cannot be read is an error, never "none"', async (_name, openOne) => {
    const db = await openOne();
    for (const value of ["'infinity'::timestamptz", "'2026-05-08 13:00 BC'::timestamptz"])
      await expect(db.query(`select ${value} as at`)).rejects.toThrow(/unreadable timestamp/);
    expect(await db.query("select '12026-05-08 13:00:00.5+00'::timestamptz as at")).toEqual([
      { at: new Date('+012026-05-08T13:00:00.500Z') },
    ]);
    expect(await db.query('select null::timestamptz as at')).toEqual([{ at: null }]);
  });
});

describe('a connection of no more use', () => {
  beforeEach(() =>
    open().exec(
      `drop table if exists notes; create table notes (id int, body text); insert into notes values (1, 'a')`,
    ),
  );

  /** Every session that begins from now on takes no writes, as on the old primary after a failover; and back. */
  const writable = (on: boolean) =>
    open().exec(
      on
        ? `begin read write; alter database ${database.name()} reset default_transaction_read_only; commit`
        : `alter database ${database.name()} set default_transaction_read_only = on`,
    );

  it('leaves the pool when it takes no writes, and the call is done on a fresh one', async () => {
    await writable(false);
    const db = open({ max: 4 });
    // Four connections, all of which take no writes.
    await Promise.all(Array.from({ length: 4 }, () => db.query('select pg_sleep(0.05)')));
    await writable(true);
    await db.tx((tx) => tx.query(`insert into notes values (2, 'b')`));
    await db.query(`insert into notes values (3, 'c')`);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const [row] = await db.query<{ on: string }>(`select current_setting('transaction_read_only') as on`);
        expect(row?.on).toBe('off');
      }),
    );
    expect((await db.query<{ id: number }>('select id from notes order by id')).map(({ id }) => id)).toEqual([
      1, 2, 3,
    ]);
  });

  it('is told as unavailable while no server takes writes, and readiness sees it', async () => {
    await migrate(open(), []);
    await open().exec(`insert into migrations values ('of the test', '') on conflict do nothing`);
    await assertWritable(open());
    await writable(false);
    try {
      const db = open();
      await db.query('select 1');
      const refusals = [
        await assertWritable(db).catch(thrown),
        await db.query(`insert into notes values (2, 'b')`).catch(thrown),
        await db.tx((tx) => tx.query(`insert into notes values (2, 'b')`)).catch(thrown),
      ];
      expect(refusals.map((error) => isAgentPayError(error, 'unavailable'))).toEqual([true, true, true]);
    } finally {
      await writable(true);
    }
  });

  it('leaves the pool when its plans do not fit the tables any more', async () => {
    const db = open({ max: 1 });
    const read = (from: Pick<Db, 'query'>) => from.query('select * from notes');
    await read(db);
    await open().exec('alter table notes alter column id type bigint');
    expect(await read(db)).toEqual([{ id: 1n, body: 'a' }]);
    await open().exec('alter table notes add column more text');
    expect(await db.tx(read)).toEqual([{ id: 1n, body: 'a', more: null }]);
  });
});

describe('a connection that breaks', () => {
  let gate: CommitGate;

  beforeEach(async () => {
    gate = await commitGate(database.url());
    await open().exec('drop table if exists notes; create table notes (id int)');
  });
  afterEach(() => gate.close());

  it.each([
    ['before', []],
    ['after', [{ id: 1 }]],
  ] as const)('at the commit, caught %s it: the outcome is unknown', async (where, expected) => {
    const db = open({ url: gate.url });
    const caught = gate.catchNext(where);
    const writing = db.tx((tx) => tx.query('insert into notes values (1)')).catch(thrown);
    await caught;
    gate.cut();
    expect(isAgentPayError(await writing, 'outcome_unknown')).toBe(true);
    expect(await open().query('select id from notes')).toEqual(expected);
  });

  it('during a single statement: unknown when it may write, read again when it reads', async () => {
    const db = open({ url: gate.url, max: 1 });
    const pid = async () =>
      (await db.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid as number;
    const endWhenBusy = async (backend: number) => {
      const other = open();
      const busy = `select pg_terminate_backend(pid) as ended from pg_stat_activity
                     where pid = $1 and state = 'active' and query like '%pg_sleep%' and wait_event = 'PgSleep'`;
      await eventually(async () => expect(await other.query(busy, [backend])).toEqual([{ ended: true }]));
    };
    let ended = endWhenBusy(await pid());
    const unknown = await db
      .query('with slow as (select pg_sleep(60)) insert into notes select 1 from slow')
      .catch(thrown);
    await ended;
    expect(isAgentPayError(unknown, 'outcome_unknown')).toBe(true);
    const first = await pid();
    ended = endWhenBusy(first);
    // Only the connection that is to break takes long.
    const slow = 'select 1 as one from pg_sleep(case when pg_backend_pid() = $1 then 60 else 0 end)';
    expect(await db.query(slow, [first])).toEqual([{ one: 1 }]);
    await ended;
  });

  it('with statements sent in order: all of them are unknown, and the next go over another connection', async () => {
    const db = open({ url: gate.url, max: 2 });
    const write = (id: number) => db.query('insert into notes values ($1)', [id], { inOrder: true });
    await write(0);
    const caught = gate.catchStatement('after', 0);
    const writing = [1, 2, 3].map((id) => write(id).catch(thrown));
    await caught;
    gate.cut();
    for (const error of await Promise.all(writing))
      expect(isAgentPayError(error, 'outcome_unknown')).toBe(true);
    await Promise.all([4, 5].map(write));
    const ids = (await open().query<{ id: number }>('select id from notes')).map(({ id }) => id);
    // The server does what it has, to the first that it does not have.
    expect([
      [0, 1, 4, 5],
      [0, 1, 2, 4, 5],
      [0, 1, 2, 3, 4, 5],
    ]).toContainEqual(ids);
  });

  it('inside a transaction, before the commit: nothing was changed', async () => {
    const db = open({ url: gate.url });
    const broken = await db
      .tx(async (tx) => {
        await tx.query('insert into notes values (1)');
        gate.cut();
        await tx.query('insert into notes values (2)');
      })
      .catch(thrown);
    expect(isAgentPayError(broken, 'unavailable')).toBe(true);
    expect(await db.query('select id from notes')).toEqual([]);
  });

  it('while nobody uses it: the next transaction does not see it', async () => {
    const db = open({ url: gate.url, max: 3 });
    await Promise.all([1, 2, 3].map(() => db.query('select pg_sleep(0.05)')));
    gate.cut();
    await db.tx((tx) => tx.query('insert into notes values (1)'));
    expect(await db.query('select id from notes')).toEqual([{ id: 1 }]);
  });
});

describe('a locked row', () => {
  beforeEach(() =>
    open().exec(
      'drop table if exists purses; create table purses (id text primary key); insert into purses values (1), (2)',
    ),
  );

  /** Holds the row of one purse until it is told to let go. */
  function locked(): { held: Promise<void>; letGo: () => Promise<unknown> } {
    let letGo = () => {};
    const until = new Promise<void>((resolve) => (letGo = resolve));
    let hold = () => {};
    const held = new Promise<void>((resolve) => (hold = resolve));
    const holder = open().tx(async (tx) => {
      await tx.query(`select id from purses where id = '1' for update`);
      hold();
      await until;
    });
    return { held, letGo: () => (letGo(), holder) };
  }
  const spend = (db: Db, id: string) =>
    db.tx((tx) => tx.query('select id from purses where id = $1 for update', [id]), { lane: id });

  it('makes its own lane wait, for a bounded time, and nobody else', async () => {
    const lock = locked();
    await lock.held;
    const db = open({ max: 4, lockTimeoutMs: 300, connectTimeoutMs: 60_000 });
    const stuck = Array.from({ length: 12 }, () => spend(db, '1').catch(thrown));
    // With all four connections taken by the locked purse, these would wait for it.
    const others = await Promise.all([
      spend(db, '2'),
      db.query(`select 'read' as id`),
      db.tx((tx) => tx.query(`select 'written' as id`)),
    ]);
    expect(others).toEqual([[{ id: '2' }], [{ id: 'read' }], [{ id: 'written' }]]);
    for (const error of await Promise.all(stuck))
      expect(error).toMatchObject({ kind: 'unavailable', reason: 'busy', retryAfter: 1 });
    await lock.letGo();
    expect(await spend(db, '1')).toEqual([{ id: '1' }]);
  });

  it('refuses those that get no turn in time', async () => {
    const lock = locked();
    await lock.held;
    const db = open({ max: 4, lockTimeoutMs: 60_000, connectTimeoutMs: 3_000 });
    const first = spend(db, '1');
    expect(await spend(db, '1').catch(thrown)).toMatchObject({ kind: 'unavailable', reason: 'busy' });
    expect(await spend(db, '2')).toEqual([{ id: '2' }]);
    await lock.letGo();
    expect(await first).toEqual([{ id: '1' }]);
    expect(await spend(db, '1')).toEqual([{ id: '1' }]);
  });
});

let pgBouncer: PgBouncer | undefined;
afterAll(() => pgBouncer?.close());

async function throughPgBouncer(): Promise<string> {
  pgBouncer ??= await startPgBouncer(database.url());
  return pgBouncer.url;
}

describe('PgBouncer in transaction mode, of a version without prepared statements', () => {
  it('is noticed, and everything works by way of it under its time limits', async () => {
    const notices: string[] = [];
    const db = open({
      url: await throughPgBouncer(),
      statementTimeoutMs: 5_000,
      onNotice: (line) => notices.push(line),
    });
    await migrate(db, [{ name: 'pooled', sql: 'create table pooled (id int primary key)' }]);
    await Promise.all(
      Array.from({ length: 40 }, async (_, id) => {
        await db.tx(async (tx) => {
          await tx.query('insert into pooled values ($1)', [id]);
          expect(await tx.query('select id from pooled where id = $1', [id])).toEqual([{ id }]);
        });
        expect(await db.query('select id from pooled where id = $1', [id])).toEqual([{ id }]);
      }),
    );
    const inOrder = Array.from({ length: 10 }, (_, n) => 100 + n);
    await Promise.all(
      inOrder.map((id) => db.query('insert into pooled values ($1)', [id], { inOrder: true })),
    );
    expect((await db.query('select id from pooled where id >= 100')).map(({ id }) => id)).toEqual(inOrder);
    await expect(db.query('select pg_sleep(20)')).rejects.toThrow('statement timeout');
    expect(notices).toEqual([expect.stringContaining('A connection pooler stands in front of PostgreSQL')]);
  });

  it('is not seen where there is none', async () => {
    const notices: string[] = [];
    await open({ onNotice: (line) => notices.push(line) }).query('select 1');
    expect(notices).toEqual([]);
  });
});
