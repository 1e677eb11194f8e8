import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Db, SqlValue, Tx } from '@agentpay/primitives';
import { claimFolder } from './claimFolder.js';
import { makeFolder } from './makeFolder.js';
import { makePrivate } from './makePrivate.js';
import { startPglite, type PgliteConnection } from './startPglite.js';
import { pinned } from './session.js';
import { STATEMENTS_BETWEEN_LOOKS, upkeep, UPKEEP_SETTINGS } from './upkeep.js';

/**
 * PostgreSQL inside this process (PGlite), in a thread of its own. It has one connection, so transactions queue, and a transaction
 * that waits for something outside of it that needs the database would wait for ever: using the outer `Db` from within `tx` is refused.
 * @param options.dir folder to keep the data in, made when absent; without it the data live in memory. One process at a time: a second
 * one is refused. Only its owner can read it. A folder whose process was killed, even while it was being made, opens again with
 * everything that was committed.
 */
export async function pgliteDb({ dir }: { dir?: string | undefined } = {}): Promise<Db> {
  if (dir === undefined) return open(await startPglite(undefined), () => undefined);
  makeFolder(dir);
  const release = await claimFolder(dir);
  try {
    return await open(await openFolder(resolve(dir)), release);
  } catch (error) {
    release();
    throw error;
  }
}

/** A cluster is made under another name first, so that a folder named `postgres` is always a whole one. */
async function openFolder(dir: string): Promise<PgliteConnection> {
  const cluster = join(dir, 'postgres');
  if (!existsSync(cluster)) {
    const unfinished = join(dir, 'postgres.new');
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { mode: 0o700 });
    await (await startPglite(unfinished)).close();
    renameSync(unfinished, cluster);
  }
  const connection = await startPglite(cluster);
  // When it is open, because opening it makes files as well.
  makePrivate(cluster);
  return connection;
}

async function open(connection: PgliteConnection, release: () => void): Promise<Db> {
  await connection.exec(`${UPKEEP_SETTINGS}; ${pinned()}`);
  return wrap(connection, release);
}

function wrap(plain: PgliteConnection, release: () => void): Db {
  const running = new AsyncLocalStorage<{ open: boolean }>();
  const { alone, between } = turns();
  // What is due and fails now is due again at the next look.
  const keepUp = () => void alone(() => upkeep(plain)).catch(() => undefined);
  const connection = everySoOften(plain, keepUp);
  const assertOutside = () => {
    if (running.getStore()?.open)
      throw new Error('Inside a transaction use its tx: on one connection this would wait for ever.');
  };
  return {
    async query<Row>(sql: string, params: readonly SqlValue[] = []) {
      assertOutside();
      return between(() => connection.query<Row>(sql, params));
    },
    async exec(sql) {
      assertOutside();
      await between(() => connection.exec(sql));
    },
    async tx(fn) {
      assertOutside();
      return alone(() => {
        const state = { open: true };
        return running.run(state, () => transaction(connection, state, fn));
      });
    },
    async close() {
      await alone(() => connection.close());
      release();
    },
  };
}

function everySoOften(connection: PgliteConnection, act: () => void): PgliteConnection {
  let statements = 0;
  return {
    ...connection,
    query(sql, params) {
      statements += 1;
      if (statements % STATEMENTS_BETWEEN_LOOKS === 0) act();
      return connection.query(sql, params);
    },
  };
}

/** Who may use the connection: everybody, or one transaction at a time, in the order of their coming. */
function turns() {
  let tail: Promise<unknown> = Promise.resolve();
  let taken = 0;
  return {
    async alone<T>(work: () => Promise<T>): Promise<T> {
      taken += 1;
      const mine = tail.then(work);
      tail = mine.catch(() => undefined);
      try {
        return await mine;
      } finally {
        taken -= 1;
      }
    },
    async between<T>(work: () => Promise<T>): Promise<T> {
      if (taken > 0) await tail;
      return work();
    },
  };
}

async function transaction<T>(
  connection: PgliteConnection,
  state: { open: boolean },
  fn: (tx: Tx) => Promise<T>,
): Promise<T> {
  let failed = false;
  const run = async <R>(statement: () => Promise<R>): Promise<R> => {
    if (!state.open) throw new Error('The transaction has ended.');
    try {
      return await statement();
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const tx: Tx = {
    inTransaction: true,
    query: <Row>(sql: string, params: readonly SqlValue[] = []) =>
      run(() => connection.query<Row>(sql, params)),
    exec: (sql) => run(() => connection.exec(sql)),
  };
  await connection.exec('begin');
  try {
    const result = await fn(tx);
    // After a failed statement "commit" would roll back without an error; any statement tells.
    if (failed) await connection.query('select 1', []);
    state.open = false;
    await connection.exec('commit');
    return result;
  } catch (error) {
    state.open = false;
    // Where even that fails the connection has ended, and with it the transaction.
    await connection.exec('rollback').catch(() => undefined);
    throw error;
  }
}
