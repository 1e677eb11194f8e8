import type { Db } from '@agentpay/primitives';
import { pgDb, type PgOptions } from '@agentpay/storage';
import { testDatabase, type TestDatabase } from '@agentpay/testing';

/** A database for the suite that calls this, and ways to it that are closed after each test. */
export function openDbs() {
  let database: TestDatabase;
  const opened: Db[] = [];

  beforeAll(async () => void (database = await testDatabase()));
  afterAll(() => database.drop());
  afterEach(async () => void (await Promise.all(opened.splice(0).map((db) => db.close()))));

  /** Another one that is closed after the test. */
  function closed(db: Db): Db {
    opened.push(db);
    return db;
  }

  return {
    url: () => database.url,
    name: () => new URL(database.url).pathname.slice(1),
    open: (options: Partial<PgOptions> = {}): Db => closed(pgDb({ url: database.url, ...options })),
    closed,
  };
}
