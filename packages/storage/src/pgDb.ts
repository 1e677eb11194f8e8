import { AgentPayError } from '@agentpay/primitives';
import type { Db, SqlValue, Tx } from '@agentpay/primitives';
import pg from 'pg';

export interface PgOptions {
  /** postgresql://user:password@host:port/database */
  readonly url: string;
  /** Most connections at once. */
  readonly max?: number;
  /** Longest that one statement may run. */
  readonly statementTimeoutMs?: number;
  /** Longest wait for a free connection. */
  readonly connectTimeoutMs?: number;
  /** Told of connections that broke while nobody used them; the pool replaces them by itself. */
  readonly onIdleError?: (error: Error) => void;
}

const INT8 = 20;
const INT8_ARRAY = 1016;

/**
 * PostgreSQL over a pool of connections.
 *
 * Every method rejects with AgentPayError `unavailable` when no connection can be had in time; nothing was sent then.
 * A connection that breaks later rejects with the driver's error: during a commit the outcome is unknown. `tx` runs `fn` once and
 * never again: a deadlock (40P01) is the caller's to repeat.
 */
export function pgDb(options: PgOptions): Db {
  const { statementTimeoutMs = 15_000 } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs * 2,
    keepAlive: true,
    application_name: 'agentpay',
    types: bigintTypes(),
  });
  pool.on('error', options.onIdleError ?? (() => undefined));
  // A connection that breaks between two statements of a transaction would otherwise end the process; the next statement rejects.
  pool.on('connect', (client) => client.on('error', () => undefined));

  return {
    query: <Row>(sql: string, params?: readonly SqlValue[]) =>
      withClient(pool, (client) => rows<Row>(client, sql, params)),
    exec: (sql) => withClient(pool, async (client) => void (await client.query(sql))),
    tx: (fn) => withClient(pool, (client, onBroken) => transaction(client, fn, onBroken)),
    close: () => pool.end(),
  };
}

/** @param onBroken told when the connection could not even roll back: it must not return to the pool */
async function transaction<T>(
  client: pg.PoolClient,
  fn: (tx: Tx) => Promise<T>,
  onBroken: (error: Error) => void,
): Promise<T> {
  let open = true;
  const assertOpen = () => {
    if (!open) throw new Error('The transaction has ended.');
  };
  const tx: Tx = {
    inTransaction: true,
    async query<Row>(sql: string, params?: readonly SqlValue[]) {
      assertOpen();
      return rows<Row>(client, sql, params);
    },
    async exec(sql) {
      assertOpen();
      await client.query(sql);
    },
  };
  await client.query('begin isolation level read committed');
  try {
    const result = await fn(tx);
    open = false;
    // A transaction in which a statement failed is rolled back by "commit", without an error.
    const { command } = await client.query('commit');
    if (command !== 'COMMIT')
      throw new Error('The transaction was rolled back: a statement in it had failed.');
    return result;
  } catch (error) {
    open = false;
    await client.query('rollback').catch(onBroken);
    throw error;
  }
}

async function withClient<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient, onBroken: (error: Error) => void) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw new AgentPayError('unavailable', 'No connection to the database.', { cause, retryAfter: 1 });
  });
  let broken: Error | undefined;
  try {
    return await work(client, (error) => (broken = error));
  } finally {
    client.release(broken);
  }
}

async function rows<Row>(
  client: pg.PoolClient,
  sql: string,
  params: readonly SqlValue[] = [],
): Promise<Row[]> {
  const name = statementName(sql);
  return (await client.query({ text: sql, values: [...params], ...(name !== undefined && { name }) }))
    .rows as Row[];
}

const PREPARED_STATEMENTS = 500;
const names = new Map<string, string>();

/** A name makes a connection prepare the statement once and keep its plan. The first so many texts get one; SQL is written, not made up. */
function statementName(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined || names.size >= PREPARED_STATEMENTS) return known;
  const name = `agentpay_${names.size}`;
  names.set(sql, name);
  return name;
}

/** int8 as bigint; the driver would give text. */
function bigintTypes(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides();
  const texts = (pg.types.getTypeParser as (oid: number) => (value: string) => (string | null)[])(INT8_ARRAY);
  types.setTypeParser(INT8, BigInt);
  types.setTypeParser(INT8_ARRAY, (value) =>
    texts(value).map((text) => (text === null ? null : BigInt(text))),
  );
  return types;
}
