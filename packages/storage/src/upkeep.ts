import type { SqlValue } from '@agentpay/primitives';

/** Statements between two looks at what has become due. */
export const STATEMENTS_BETWEEN_LOOKS = 500;

/** What a look needs of a connection that is in no transaction. */
export interface Upkept {
  query<Row>(sql: string, params: readonly SqlValue[]): Promise<Row[]>;
  exec(sql: string): Promise<void>;
}

/** A sample of 3,000 rows is enough to tell a rare state from a frequent one, and ten times faster than the default. */
export const UPKEEP_SETTINGS = 'set default_statistics_target = 10';

/** With the thresholds of PostgreSQL's own autovacuum, but for small tables, which need neither. */
const DUE = `
  select format('%I.%I', schemaname, relname) as name, n_dead_tup > 1000 + 0.2 * n_live_tup as swept,
         n_mod_since_analyze > 1000 + 0.1 * n_live_tup as counted
    from pg_stat_user_tables
   where n_dead_tup > 1000 + 0.2 * n_live_tup or n_mod_since_analyze > 1000 + 0.1 * n_live_tup`;

interface Due {
  readonly name: string;
  readonly swept: boolean;
  readonly counted: boolean;
}

/**
 * Does what the autovacuum of a PostgreSQL server does and PGlite, which has no second process, leaves undone: sweeps dead rows out, and
 * counts what the planner must know to read a small part of a grown table by its index.
 */
export async function upkeep(connection: Upkept): Promise<void> {
  for (const { name, swept, counted } of await connection.query<Due>(DUE, [])) {
    const what = [swept ? 'vacuum' : '', counted ? 'analyze' : ''].join(' ').trim();
    await connection.exec(`${what} ${name}`);
  }
}
