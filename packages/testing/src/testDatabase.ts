import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** A database of the test's own on the PostgreSQL of DATABASE_URL. */
export interface TestDatabase {
  readonly url: string;
  /** Removes the database, also while connections to it are open. */
  drop(): Promise<void>;
}

/**
 * @param like a database that nobody is connected to, to be copied; without it the new one is empty
 * @throws Error when DATABASE_URL is not set
 */
export async function testDatabase(like?: TestDatabase): Promise<TestDatabase> {
  const server = process.env['DATABASE_URL'];
  if (!server) throw new Error('DATABASE_URL is not set: run the tests by npm test.');
  const name = `test_${randomBytes(8).toString('hex')}`;
  // template0, because nobody can be connected to it: tests may create databases at the same time
  const template = like ? new URL(like.url).pathname.slice(1) : 'template0';
  await execute(server, `create database ${name} template ${template}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(server, `drop database ${name} with (force)`) };
}

/** Bounds on hanging: what waits longer fails by its name. */
const limits = { connectionTimeoutMillis: 120_000, query_timeout: 300_000 };

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url, ...limits });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
