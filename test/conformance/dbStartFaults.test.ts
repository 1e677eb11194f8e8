import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAgentPayError } from '@agentpay/primitives';
import { migrate, pgDb, startFault } from '@agentpay/storage';
import { openDbs } from './openDbs.js';

const thrown = (error: unknown) => error;

const database = openDbs();
const { open } = database;

describe('a database that cannot be used names its cause', () => {
  const faultOf = async (change: (url: URL) => void): Promise<string> => {
    const url = new URL(database.url());
    change(url);
    const db = open({ url: url.href, connectTimeoutMs: 60_000 });
    const error = await migrate(db, []).catch(thrown);
    expect(isAgentPayError(error, 'unavailable')).toBe(true);
    // The sentence is for the operator; callers learn nothing of role, host or database.
    expect((error as Error).message).toBe('No connection to the database.');
    return startFault(error);
  };

  it.each<[string, (url: URL) => void, RegExp]>([
    [
      'database',
      (url: URL) => void (url.pathname = '/missing_db'),
      /does not exist: database "missing_db" does not exist/,
    ],
    [
      'role',
      (url: URL) => void (url.username = 'nobody_here'),
      /does not let this role in: role "nobody_here" does not exist/,
    ],
    ['port', (url: URL) => void (url.port = '1'), /No PostgreSQL listens at 127\.0\.0\.1:1\./],
    [
      'host',
      (url: URL) => void (url.hostname = 'db.invalid'),
      /host name of the database (is not known|cannot be looked up now): db\.invalid/,
    ],
    [
      'folder of the socket',
      (url: URL) => url.searchParams.set('host', '/nowhere'),
      /No PostgreSQL listens at the socket \/nowhere/,
    ],
  ])('wrong %s', async (_what, change, sentence) => {
    expect(await faultOf(change)).toMatch(sentence);
  });

  it('wrong encoding', async () => {
    const other = `${database.name()}_latin1`;
    const admin = open();
    await admin.exec(
      `create database ${other} encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'`,
    );
    expect(await faultOf((url) => void (url.pathname = `/${other}`))).toMatch(
      `The database "${other}" has the encoding LATIN1; AgentPay needs UTF8`,
    );
    await admin.exec(`drop database ${other} with (force)`);
  });

  it('a server that says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    const { port } = silent.address() as AddressInfo;
    const error = await open({ url: `postgres://u@127.0.0.1:${port}/db`, connectTimeoutMs: 200 })
      .query('select 1')
      .catch(thrown);
    expect(startFault(error)).toBe('The database gave no connection in time.');
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it.each([
    ['postgres://u:p w@h/db', /has blanks in it/],
    [' postgres://h/db', /has blanks in it/],
    ['mysql://h/db', /must be a URL that starts with postgres/],
    ['postgres://u:a#b@h/db', /must be a URL|names no/],
    ['postgres://h:5432', /names no database/],
    ['postgres://u@/db', /names no host/],
  ])('URL %j', (url, sentence) => {
    expect(() => pgDb({ url })).toThrow(sentence);
  });

  it('a URL of a Unix socket is understood', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'agentpay-socket-'));
    const target = new URL(database.url());
    const bridge = createServer((client) => {
      const upstream = connect(Number(target.port || 5432), target.hostname);
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) socket.on('error', () => undefined);
    }).listen(join(folder, '.s.PGSQL.5432'));
    await once(bridge, 'listening');
    const url = `postgresql://${target.username}:p@/${database.name()}?host=${folder}`;
    expect(await open({ url }).query('select 1 as one')).toEqual([{ one: 1 }]);
    bridge.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
