import type { SqlValue } from '@agentpay/primitives';
import type pg from 'pg';
import { endsConnection, isUnusable } from './driverErrors.js';

/** The connection broke while the statement was under way: the server may have done it. */
export class BrokenConnection extends Error {
  override readonly name = 'BrokenConnection';
}

/** One connection while somebody has it. */
export interface PgSession {
  /** A pooler stands in front of the server: another session may have the same server connection between two transactions. */
  readonly pooled: boolean;
  /** `broken`: nothing can be sent. `unusable`: it must not return to the pool. */
  readonly state: 'good' | 'unusable' | 'broken';
  /** One statement with parameters. @throws BrokenConnection, or the server's error */
  query<Row>(sql: string, params?: readonly SqlValue[]): Promise<Row[]>;
  /** Statements without parameters; gives the tag of the last ("COMMIT"). `limitMs`: longest wait for the server. */
  exec(sql: string, limitMs?: number): Promise<string>;
}

export interface SessionOptions {
  readonly pooled: boolean;
  /** Longest wait for the response to one statement, above the server's own limit. */
  readonly responseTimeoutMs: number;
  readonly isBroken: () => boolean;
}

export function pgSession(client: pg.PoolClient, options: SessionOptions): PgSession {
  const { pooled, responseTimeoutMs, isBroken } = options;
  let state: PgSession['state'] = 'good';

  async function send(config: pg.QueryConfig & { query_timeout?: number }): Promise<pg.QueryResult> {
    try {
      return await client.query(config);
    } catch (error) {
      if (isBroken() || endsConnection(error)) {
        state = 'broken';
        throw new BrokenConnection((error as Error).message, { cause: error });
      }
      if (isUnusable(error)) state = 'unusable';
      throw error;
    }
  }

  return {
    pooled,
    get state() {
      return isBroken() ? 'broken' : state;
    },
    async query<Row>(sql: string, params: readonly SqlValue[] = []) {
      // A name makes a server connection keep the statement's plan; behind a pooler the next one may be another connection.
      const name = pooled ? undefined : statementName(sql);
      const values = [...params];
      const result = await send({
        text: sql,
        values,
        query_timeout: responseTimeoutMs,
        ...(name !== undefined && { name }),
      });
      return result.rows as Row[];
    },
    async exec(sql, limitMs) {
      const result: pg.QueryResult | pg.QueryResult[] = await send({
        text: sql,
        ...(limitMs !== undefined && { query_timeout: limitMs }),
      });
      return (Array.isArray(result) ? result.at(-1)?.command : result.command) ?? '';
    },
  };
}

const PREPARED_STATEMENTS = 1_000;
const names = new Map<string, string>();

/** The first so many texts get a name; SQL is written, not made up. */
function statementName(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined || names.size >= PREPARED_STATEMENTS) return known;
  const name = `agentpay_${names.size}`;
  names.set(sql, name);
  return name;
}
