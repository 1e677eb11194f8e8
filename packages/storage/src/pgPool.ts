import { AgentPayError } from '@agentpay/primitives';
import pg from 'pg';
import { connectFault, DatabaseFault } from './connectFault.js';
import { pgSession, type PgSession } from './PgSession.js';
import { settings, type TimeLimits } from './session.js';
import { sharing, type Held } from './sharing.js';
import { valueTypes } from './values.js';

export interface PoolOptions extends TimeLimits {
  readonly url: string;
  readonly max: number;
  /** How many may wait for a connection; one more is refused. */
  readonly maxWaiting: number;
  readonly connectTimeoutMs: number;
  readonly onIdleError: (error: Error) => void;
  readonly onNotice: (line: string) => void;
}

/** Connections to one PostgreSQL. */
export interface PgPool {
  /** @throws AgentPayError `unavailable` when no connection can be had in time; nothing was sent then */
  use<T>(work: (session: PgSession) => Promise<T>): Promise<T>;
  /** The same on one connection for all who are at it at once, in the order in which they came. */
  share<T>(work: (session: PgSession) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** How much longer than the server's limit the driver waits before it takes the connection for broken. */
const RESPONSE_MARGIN_MS = 5_000;

export function pgPool(options: PoolOptions): PgPool {
  const responseTimeoutMs = options.statementTimeoutMs + RESPONSE_MARGIN_MS;
  const broken = new WeakSet<pg.ClientBase>();
  const born = new WeakMap<pg.ClientBase, number>();
  // When one connection turns out to be unusable, none that is as old as it is handed out again.
  let generation = 0;
  let pooled = false;

  async function onConnect(client: pg.ClientBase): Promise<void> {
    born.set(client, generation);
    client.on('error', () => broken.add(client));
    if (await isBehindPooler(client, options)) {
      if (!pooled) options.onNotice(POOLER);
      pooled = true;
    } else await client.query(settings(options));
  }

  const pool = new pg.Pool(configOf(options, onConnect));
  pool.on('error', options.onIdleError);

  async function take(): Promise<pg.PoolClient> {
    if (pool.waitingCount >= options.maxWaiting)
      throw unavailable(new DatabaseFault('Too many requests wait for a connection to the database.'));
    const client = await pool.connect().catch((cause: unknown) => {
      throw unavailable(connectFault(cause));
    });
    if (born.get(client) === generation) return client;
    client.release(true);
    return take();
  }

  async function hold(): Promise<Held> {
    const client = await take();
    return {
      client,
      session: pgSession(client, { pooled, responseTimeoutMs, isBroken: () => broken.has(client) }),
    };
  }

  function give({ client, session: { state } }: Held): void {
    if (state !== 'good' && born.get(client) === generation) generation += 1;
    client.release(state !== 'good');
  }

  return {
    async use(work) {
      const held = await hold();
      try {
        return await work(held.session);
      } finally {
        give(held);
      }
    },
    share: sharing({ take: hold, give }),
    close: () => pool.end(),
  };
}

function configOf(
  { url, max, connectTimeoutMs }: PoolOptions,
  onConnect: (client: pg.ClientBase) => Promise<void>,
): pg.PoolConfig {
  const config: pg.PoolConfig & { onConnect: typeof onConnect } = {
    connectionString: url,
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'agentpay',
    types: valueTypes(),
    // Statements in order do not wait for each other's responses; everybody else has a connection to himself.
    pipeline: true,
    onConnect,
  };
  return config;
}

const POOLER =
  'A connection pooler stands in front of PostgreSQL: statements are not prepared, and each runs in a transaction of its own with ' +
  'its time limits. Connect to PostgreSQL itself, or to the session mode of the pooler, for more speed.';

/** A pooler makes up the process id that a session is told; the server knows its own. Tells of a database we cannot work with. */
async function isBehindPooler(client: pg.ClientBase, { connectTimeoutMs }: PoolOptions): Promise<boolean> {
  const about = {
    text: `select pg_backend_pid() as pid, current_database() as name, current_setting('server_encoding') as encoding`,
    query_timeout: connectTimeoutMs,
  };
  const { rows } = await client.query<{ pid: number; name: string; encoding: string }>(about);
  const { pid = 0, name = '', encoding = '' } = rows[0] ?? {};
  if (encoding !== 'UTF8')
    throw new DatabaseFault(
      `The database "${name}" has the encoding ${encoding}; AgentPay needs UTF8 (create database … encoding 'UTF8' template template0).`,
    );
  return (client as pg.ClientBase & { processID: number | null }).processID !== pid;
}

function unavailable(cause: DatabaseFault): AgentPayError {
  return new AgentPayError('unavailable', 'No connection to the database.', { cause, retryAfter: 1 });
}
