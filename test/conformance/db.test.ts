import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { isAgentPayError, type Db } from '@agentpay/primitives';
import { pgDb, pgliteDb } from '@agentpay/storage';
import { dbCases, eventually, testDatabase } from '@agentpay/testing';
import type { TestDatabase } from '@agentpay/testing';

const databases: TestDatabase[] = [];

async function ownDatabase(): Promise<string> {
  const database = await testDatabase();
  databases.push(database);
  return database.url;
}

afterAll(() => Promise.all(databases.map((database) => database.drop())));

dbCases('pg', async () => pgDb({ url: await ownDatabase() }));
dbCases('PGlite', () => pgliteDb());

describe('pgDb', () => {
  it('gives unavailable, in bounded time, when every connection is taken', async () => {
    const db = pgDb({ url: await ownDatabase(), max: 1, connectTimeoutMs: 200 });
    // To make the connection may take longer on a busy machine.
    await eventually(() => db.query('select 1'));
    const inner = await db.tx(() => db.query('select 1').catch((thrown: unknown) => thrown));
    expect(isAgentPayError(inner, 'unavailable')).toBe(true);
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
    await db.close();
  });

  it('gives unavailable when nobody listens', async () => {
    const db = pgDb({ url: 'postgresql://127.0.0.1:1/none', connectTimeoutMs: 2_000 });
    const error = await db.query('select 1').catch((thrown: unknown) => thrown);
    expect(isAgentPayError(error, 'unavailable')).toBe(true);
    await db.close();
  });

  it('ends a statement that runs too long', async () => {
    const db = pgDb({ url: await ownDatabase(), statementTimeoutMs: 100 });
    await expect(db.query('select pg_sleep(20)')).rejects.toThrow('statement timeout');
    await db.close();
  });

  it('outlives connections that break inside a transaction, and gives none of them out again', async () => {
    const url = await ownDatabase();
    const db = pgDb({ url, max: 1 });
    const other = pgDb({ url, max: 1 });
    await db.exec('create table notes (id int)');
    const broken = db.tx(async (tx) => {
      await tx.query('insert into notes values (1)');
      const [backend] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      await other.query('select pg_terminate_backend($1)', [backend?.pid ?? 0]);
      await tx.query('insert into notes values (2)');
    });
    await expect(broken).rejects.toThrow();
    expect(await db.query('select id from notes')).toEqual([]);
    await Promise.all([db.close(), other.close()]);
  });

  it('outlives a server that goes away while a transaction is idle', async () => {
    const proxy = await proxyTo(await ownDatabase());
    const db = pgDb({ url: proxy.url, max: 1 });
    const cut = db.tx(async (tx) => {
      await tx.query('select 1');
      await proxy.cut();
      await tx.query('select 1');
    });
    await expect(cut).rejects.toThrow();
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
    await db.close();
    proxy.close();
  });
});

describe('pgliteDb', () => {
  let db: Db;

  beforeAll(async () => void (db = await pgliteDb()));
  afterAll(() => db.close());

  it('sweeps and counts its tables by itself, as the autovacuum of a server does, and no small ones', async () => {
    await db.exec('create table work (id int primary key, state text); create table small (id int)');
    await db.query(`insert into work select n, 'open' from generate_series(1, 3000) as n`);
    await db.query(`update work set state = 'done'`);
    await db.query('insert into small values (1)');
    // Counters become visible after a second, or at once for who asks.
    for (let i = 0; i < 500; i++) await db.query('select pg_stat_force_next_flush()');
    const kept = await db.tx((tx) =>
      tx.query(
        'select relname, vacuum_count::int as swept, analyze_count::int as counted from pg_stat_user_tables order by relname',
      ),
    );
    expect(kept).toEqual([
      { relname: 'small', swept: 0, counted: 0 },
      { relname: 'work', swept: 1, counted: 1 },
    ]);
  });

  it('refuses to use the outer database inside a transaction, where it would wait for ever', async () => {
    await expect(db.tx(() => db.query('select 1'))).rejects.toThrow('Inside a transaction use its tx');
    await expect(db.tx(() => db.tx(async () => 1))).rejects.toThrow('Inside a transaction use its tx');
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

/** A TCP proxy in front of a database, whose open connections can be cut. */
async function proxyTo(
  databaseUrl: string,
): Promise<{ url: string; cut: () => Promise<void>; close: () => void }> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = async () => {
    const closed = [...sockets].map((socket) => once(socket, 'close'));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
  };
  return { url: url.href, cut, close: () => void server.close() };
}
