import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** An empty database of the test's own on the PostgreSQL of DATABASE_URL. */
export interface TestDatabase {
  readonly url: string;
  /** Removes the database, also while connections to it are open. */
  drop(): Promise<void>;
}

/** @throws Error when DATABASE_URL is not set. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = process.env['DATABASE_URL'];
  if (!server) throw new Error('DATABASE_URL is not set: run the tests by npm test.');
  const name = `test_${randomBytes(8).toString('hex')}`;
  // template0, because nobody can be connected to it: tests may create databases at the same time
  await execute(server, `create database ${name} template template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(server, `drop database ${name} with (force)`) };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
