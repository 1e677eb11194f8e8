import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './freePort.js';
import { spawned, type Spawned } from './spawned.js';

/** A PostgreSQL server of the test's own, to be stopped and started again. */
export interface PostgresServer {
  /** A role that may do everything, in a database that is empty at first. */
  readonly url: string;
  /** Ends it at once, as a crash would: nobody's transaction is ended, nothing is written that was not written before. */
  stop(): Promise<void>;
  /** Starts it again on the same port, with all that was committed. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}
interface Programs {
  findPostgres(): string | undefined;
  postgresUser(): User;
  makeCluster(options: { bin: string; data: string; role: string; user: User; sync: boolean }): void;
}
// Plain JavaScript: the tests need it before anything is built.
const PROGRAMS = new URL('../../dev/postgres.mjs', import.meta.url).href;

/**
 * Starts `postgres` on loopback, as another user when we are root. What it writes it leaves to the machine (`fsync` is off), so that a
 * commit outlives the server and is not waited for.
 * @throws Error when PostgreSQL is not installed
 */
export async function startPostgres(): Promise<PostgresServer> {
  const { findPostgres, postgresUser, makeCluster } = (await import(PROGRAMS)) as Programs;
  const bin = findPostgres();
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql.');
  const user = postgresUser();
  const data = mkdtempSync(join(tmpdir(), 'agentpay-postgres-'));
  makeCluster({ bin, data, role: 'agentpay', user, sync: false });
  const port = await freePort();
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'fsync=off',
  ].flatMap((setting) => ['-c', setting]);
  let server: Spawned | undefined;
  async function start(): Promise<void> {
    server = spawned(join(bin as string, 'postgres'), ['-D', data, ...settings], { ...user, cwd: data });
    await server.line(/ready to accept connections/);
  }
  // "Immediate shutdown": its processes end where they are, and the next start recovers from the log.
  const stop = async () => server?.kill('SIGQUIT');
  await start();
  return {
    url: `postgres://agentpay@127.0.0.1:${port}/postgres`,
    start,
    stop,
    async close() {
      await stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}
