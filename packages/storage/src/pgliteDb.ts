import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { Transaction } from '@electric-sql/pglite';
import type { Db, SqlValue, Tx } from '@agentpay/primitives';
import { claimFolder } from './claimFolder.js';

const INT8 = 20;

/**
 * PostgreSQL inside this process (PGlite). It has one connection, so transactions queue, and a transaction that waits for
 * something outside of it that needs the database would wait for ever: using the outer `Db` from within `tx` is refused.
 * @param options.dir folder to keep the data in, made when absent; without it the data live in memory. One process at a time: a second
 * one is refused. A folder whose process was killed, even while it was being made, opens again with everything that was committed.
 */
export async function pgliteDb({ dir }: { dir?: string | undefined } = {}): Promise<Db> {
  if (dir === undefined) return wrap(await openPglite(undefined), () => undefined);
  mkdirSync(dir, { recursive: true });
  const release = await claimFolder(dir);
  try {
    return wrap(await openFolder(resolve(dir)), release);
  } catch (error) {
    release();
    throw error;
  }
}

/** A cluster is made under another name first, so that a folder named `postgres` is always a whole one. */
async function openFolder(dir: string): Promise<PGlite> {
  const cluster = join(dir, 'postgres');
  if (!existsSync(cluster)) {
    const unfinished = join(dir, 'postgres.new');
    rmSync(unfinished, { recursive: true, force: true });
    await (await openPglite(unfinished)).close();
    renameSync(unfinished, cluster);
  }
  return openPglite(cluster);
}

function openPglite(dataDir: string | undefined): Promise<PGlite> {
  return PGlite.create({ ...(dataDir === undefined ? {} : { dataDir }), parsers: { [INT8]: BigInt } });
}

function wrap(pglite: PGlite, release: () => void): Db {
  const running = new AsyncLocalStorage<{ open: boolean }>();
  const assertOutside = () => {
    if (running.getStore()?.open) throw new Error('Inside a transaction use its tx: on one connection this would wait for ever.');
  };
  return {
    async query<Row>(sql: string, params?: readonly SqlValue[]) {
      assertOutside();
      return rows<Row>(pglite, sql, params);
    },
    async exec(sql) {
      assertOutside();
      await pglite.exec(sql);
    },
    async tx(fn) {
      assertOutside();
      return pglite.transaction((inner) => {
        const state = { open: true };
        return running.run(state, () => transaction(inner, fn).finally(() => (state.open = false)));
      });
    },
    async close() {
      await pglite.close();
      release();
    },
  };
}

async function transaction<T>(inner: Transaction, fn: (tx: Tx) => Promise<T>): Promise<T> {
  let failed = false;
  const noting = <R>(promise: Promise<R>) =>
    promise.catch((error: unknown) => {
      failed = true;
      throw error;
    });
  const tx: Tx = {
    inTransaction: true,
    query: <Row>(sql: string, params?: readonly SqlValue[]) => noting(rows<Row>(inner, sql, params)),
    exec: (sql) => noting(inner.exec(sql).then(() => undefined)),
  };
  const result = await fn(tx);
  // After a failed statement "commit" would roll back without an error; any statement tells.
  if (failed) await inner.query('select 1');
  return result;
}

async function rows<Row>(db: Pick<PGlite, 'query'>, sql: string, params: readonly SqlValue[] = []): Promise<Row[]> {
  return (await db.query<Row>(sql, [...params])).rows;
}
