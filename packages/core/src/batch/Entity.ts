import type { ColumnType } from '../columns.js';
import type { Table } from '../table.js';

/** A kind of row that commands decide by: how it is found, and what of it a decision rests on. */
export interface Entity<Row extends object> {
  readonly table: Table<Row>;
  /** Fields that name one row; all of them text. */
  readonly key: readonly (keyof Row & string)[];
  /** Fields that a decision rests on: what is written is written only if they still are what was read. */
  readonly guard: readonly (keyof Row & string)[];
  /** Fields that an update writes; empty: such rows are never updated by commands. */
  readonly changes: readonly (keyof Row & string)[];
  /** Place in the one order in which rows are locked. */
  readonly rank: number;
  /** Whether rows that were only read must still be the same, too. */
  readonly watched: boolean;
  /** The row to make where there is none before it is locked, so that two who need it take turns. */
  readonly blank: ((...key: string[]) => Row) | undefined;
  /**
   * How long a row may be taken from the cache, in ms: for what is shown and not checked. 0: never, for rows that may be long, as a cache
   * of many of them would fill the memory.
   */
  readonly keptMs: number;
  /** Whether a row may be kept as it is now: one that has ended is asked for by no command, however long it is. */
  kept(row: Row): boolean;
  /** Whether a row that is not in the cache is taken to be absent, as a unique index will tell otherwise. */
  readonly assumedAbsent: boolean;
}

type Given<Row extends object> = Pick<Entity<Row>, 'table' | 'key' | 'rank'> & Partial<Entity<Row>>;

export function entity<Row extends object>(given: Given<Row>): Entity<Row> {
  return {
    guard: [],
    changes: [],
    watched: false,
    blank: undefined,
    keptMs: Infinity,
    kept: () => true,
    assumedAbsent: false,
    ...given,
  };
}

// Entities of all kinds stand in one map.
// oxlint-disable-next-line no-explicit-any
export type AnyEntity = Entity<any>;

/**
 * A row that a command will ask for. `known`: as its caller knows it, who alone works on it; taken for what a cache has, and checked by
 * the guards as that is.
 */
export type Want = readonly [entity: AnyEntity, key: readonly string[], known?: object];

/** Rows that are written in a way of their own: added to what is there, for example. */
export interface RowWriter {
  /** Unique; names the step of the statement. */
  readonly name: string;
  readonly types: readonly ColumnType[];
  /** SQL of a data-modifying statement over `rows`, a query with the columns c0, c1, ... of `types`. */
  readonly sql: (rows: string) => string;
}
