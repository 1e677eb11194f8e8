/** A value that SQL parameters and rows carry. int8 is bigint, timestamptz is Date, jsonb is the parsed value. */
export type SqlValue = string | number | bigint | boolean | Date | null | Uint8Array | readonly SqlValue[];

/** How one statement outside of a transaction is sent. */
export interface QueryOptions {
  /**
   * It goes behind those that were given before with the same option, without waiting for their responses: they are carried out in this
   * order, each by itself. Only one that is done once more on another connection may come behind later ones.
   */
  readonly inOrder?: boolean;
}

/** Runs one SQL statement with $1-style parameters and gives its rows. */
export interface Queryable {
  query<Row = Record<string, unknown>>(sql: string, params?: readonly SqlValue[]): Promise<Row[]>;
}

/** An open transaction. It ends when the function given to {@link Db.tx} ends. */
export interface Tx extends Queryable {
  readonly inTransaction: true;
  /** Runs several statements without parameters: for migrations. */
  exec(sql: string): Promise<void>;
}

/** How a transaction shares the connections with others. */
export interface TxOptions {
  /** What it will hold locked, such as a wallet's id: transactions of one lane never take more than a part of the connections. */
  readonly lane?: string | undefined;
}

/**
 * PostgreSQL. SQL is written once and runs on every driver.
 * Drivers: `pg` (production), PGlite (embedded; one connection, so it shows no races).
 */
export interface Db extends Queryable {
  query<Row = Record<string, unknown>>(
    sql: string,
    params?: readonly SqlValue[],
    options?: QueryOptions,
  ): Promise<Row[]>;
  /**
   * Commits when `fn` resolves, rolls back when it rejects. Isolation: read committed. `fn` runs once more after a rollback when the
   * connection turned out to be unusable (a server that takes no writes, a plan that fits the tables no more), so what it does
   * outside of `tx` must bear that.
   */
  tx<T>(fn: (tx: Tx) => Promise<T>, options?: TxOptions): Promise<T>;
  /** Runs several statements without parameters: for migrations. */
  exec(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** One step of the schema. Immutable once released: a later change is a migration of its own. */
export interface Migration {
  /** Unique for ever, "core/001-ledger"; recorded when it has run. */
  readonly name: string;
  /** One or more SQL statements that run inside one transaction. */
  readonly sql: string;
}

/** SQLSTATE of a driver error, or undefined. 23505 is a unique violation, 23514 a failed check. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
