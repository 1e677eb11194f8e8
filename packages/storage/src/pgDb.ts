import {
  systemClock,
  type Clock,
  type Db,
  type QueryOptions,
  type SqlValue,
  type Tx,
  type TxOptions,
} from '@agentpay/primitives';
import { DatabaseFault } from './connectFault.js';
import { databaseUrlFault } from './databaseUrl.js';
import { connectionLost, isUnusable, outcomeUnknown, translated } from './driverErrors.js';
import { lanes } from './lanes.js';
import { pgPool } from './pgPool.js';
import { BrokenConnection, type PgSession } from './PgSession.js';
import { settings, type TimeLimits } from './session.js';

export interface PgOptions {
  /** `postgresql://user:password@host:port/database`, or `postgresql://user:password@/database?host=/folder` for a Unix socket. */
  readonly url: string;
  /** Most connections at once. Default 10. */
  readonly max?: number;
  /** Longest that one statement may run. Default 15 s. */
  readonly statementTimeoutMs?: number;
  /** Longest that a statement waits for a row which another transaction has locked. Default 5 s. */
  readonly lockTimeoutMs?: number;
  /** Longest wait for a free connection. Default 5 s. */
  readonly connectTimeoutMs?: number;
  /** Told of connections that broke while nobody used them; the pool replaces them by itself. */
  readonly onIdleError?: (error: Error) => void;
  /** Told, in one line, what an operator should know of the server: that a pooler stands in front of it. */
  readonly onNotice?: (line: string) => void;
  readonly clock?: Clock;
}

/** A call is tried once more, on a fresh connection, when the first one changed nothing. */
const ATTEMPTS = 2;
/** Requests that wait for a connection, and for a turn of their lane. */
const MAX_WAITING = 1_000;
/** The part of the connections that one lane may hold. */
const LANE_SHARE = 1 / 4;

/**
 * PostgreSQL over a pool of connections. What a call rejects with:
 *
 * - AgentPayError `unavailable`: nothing was changed. No connection could be had in time, the one that was had broke before the
 *   commit, the server takes no writes, or a lock or the turn of a lane did not come in time (reason `busy`).
 * - AgentPayError `outcome_unknown`: the connection broke during the commit, or during a single statement that may write.
 * - the driver's error with its SQLSTATE for everything else; nothing was changed. A deadlock (40P01) is the caller's to repeat.
 *
 * @throws DatabaseFault at once when the URL is none of a PostgreSQL database
 */
export function pgDb(options: PgOptions): Db {
  const fault = databaseUrlFault(options.url);
  if (fault !== undefined) throw new DatabaseFault(`The URL of the database ${fault}.`);
  const { max = 10, connectTimeoutMs = 5_000, clock = systemClock } = options;
  const limits: TimeLimits = {
    statementTimeoutMs: options.statementTimeoutMs ?? 15_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 5_000,
  };
  const pool = pgPool({
    ...limits,
    url: options.url,
    max,
    maxWaiting: MAX_WAITING,
    connectTimeoutMs,
    onIdleError: options.onIdleError ?? (() => undefined),
    onNotice: options.onNotice ?? (() => undefined),
  });
  const inLane = lanes({
    clock,
    width: Math.max(1, Math.floor(max * LANE_SHARE)),
    waiting: MAX_WAITING,
    waitMs: connectTimeoutMs,
  });

  const single = <T>(
    sql: string,
    run: (on: Pick<Tx, 'query' | 'exec'>) => Promise<T>,
    { inOrder = false }: QueryOptions = {},
  ): Promise<T> =>
    attempts(isRead(sql), () =>
      (inOrder ? pool.share : pool.use)((session) =>
        session.pooled
          ? transaction(session, run, limits)
          : run({ query: session.query, exec: async (text) => void (await session.exec(text)) }),
      ),
    );
  const tx = <T>(fn: (tx: Tx) => Promise<T>): Promise<T> =>
    attempts(true, () => pool.use((session) => transaction(session, fn, limits)));

  return {
    query: <Row>(sql: string, params?: readonly SqlValue[], options?: QueryOptions) =>
      single(sql, (on) => on.query<Row>(sql, params), options),
    exec: (sql) => single(sql, (on) => on.exec(sql)),
    tx: (fn, { lane }: TxOptions = {}) => (lane === undefined ? tx(fn) : inLane(lane, () => tx(fn))),
    close: () => pool.close(),
  };
}

/** @param harmless whether nothing can have been changed when the connection broke */
async function attempts<T>(harmless: boolean, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const again = isUnusable(error) || (error instanceof BrokenConnection && harmless);
      if (again && attempt < ATTEMPTS) continue;
      if (!(error instanceof BrokenConnection)) throw translated(error);
      throw harmless ? connectionLost(error.cause) : outcomeUnknown(error.cause);
    }
  }
}

function isRead(sql: string): boolean {
  return /^\s*(select|show)\b/i.test(sql);
}

/** @throws BrokenConnection only when `fn` has not begun */
async function transaction<T>(
  session: PgSession,
  fn: (tx: Tx) => Promise<T>,
  limits: TimeLimits,
): Promise<T> {
  let open = true;
  const assertOpen = () => {
    if (!open) throw new Error('The transaction has ended.');
  };
  const tx: Tx = {
    inTransaction: true,
    async query<Row>(sql: string, params?: readonly SqlValue[]) {
      assertOpen();
      return session.query<Row>(sql, params);
    },
    async exec(sql) {
      assertOpen();
      await session.exec(sql);
    },
  };
  const begin = 'begin isolation level read committed';
  await session.exec(
    session.pooled ? `${begin}; ${settings(limits, 'local')}` : begin,
    limits.statementTimeoutMs,
  );
  try {
    const result = await fn(tx).finally(() => (open = false));
    await commit(session, limits);
    return result;
  } catch (error) {
    // Where even that fails the connection has ended, and with it the transaction.
    if (session.state !== 'broken')
      await session.exec('rollback', limits.statementTimeoutMs).catch(() => undefined);
    throw error instanceof BrokenConnection ? connectionLost(error.cause) : error;
  }
}

async function commit(session: PgSession, { statementTimeoutMs }: TimeLimits): Promise<void> {
  if (session.state === 'broken') throw new BrokenConnection('The connection broke before the commit.');
  const tag = await session.exec('commit', 2 * statementTimeoutMs).catch((error: unknown) => {
    throw error instanceof BrokenConnection ? outcomeUnknown(error.cause) : error;
  });
  // A transaction in which a statement failed is rolled back by "commit", without an error.
  if (tag !== 'COMMIT') throw new Error('The transaction was rolled back: a statement in it had failed.');
}
