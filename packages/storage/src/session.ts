/**
 * What every session works under, whatever the server, the database or the role has as its default: our SQL and the way we read
 * values depend on them.
 */
const PINNED = {
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  IntervalStyle: 'postgres',
  standard_conforming_strings: 'on',
  search_path: 'public',
  // Plans are kept: one that was made while a table was small must not read it whole once it has grown.
  enable_seqscan: 'off',
  // Compiling a statement takes longer than any of ours runs.
  jit: 'off',
} as const;

/** Longest times, in ms. */
export interface TimeLimits {
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
}

type Scope = '' | 'local';

/** `set` statements for the session, or with `local` for the transaction that has just begun. */
export function settings(limits: TimeLimits, scope: Scope = ''): string {
  const { statementTimeoutMs, lockTimeoutMs } = limits;
  return `${pinned(scope)}; ${sets(
    {
      statement_timeout: statementTimeoutMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs * 2,
    },
    scope,
  )}`;
}

/** The same without time limits. */
export function pinned(scope: Scope = ''): string {
  return sets(PINNED, scope);
}

function sets(values: Readonly<Record<string, string | number>>, scope: Scope): string {
  return Object.entries(values)
    .map(([name, value]) => `set ${scope} ${name} = '${value}'`)
    .join('; ');
}
