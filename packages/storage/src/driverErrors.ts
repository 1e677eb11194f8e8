import { AgentPayError, sqlState } from '@agentpay/primitives';

const READ_ONLY = '25006';
const STALE_PLAN = '0A000';
const LOCK_TIMEOUT = '55P03';

/** The connection is of no more use: it cannot write, or its prepared statements do not fit the tables any more. */
export function isUnusable(error: unknown): boolean {
  const state = sqlState(error);
  if (state === READ_ONLY) return true;
  return state === STALE_PLAN && /cached plan/.test((error as Error).message);
}

/** The server ended the connection (class 08, 57P01 to 57P05), or the driver gave up waiting for it. */
export function endsConnection(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return /^(08|57P0)/.test(state);
  return (error as Error | null)?.message === 'Query read timeout';
}

/** The connection broke before anything could be committed. */
export function connectionLost(cause: unknown): AgentPayError {
  return new AgentPayError('unavailable', 'The connection to the database broke; nothing was changed.', {
    cause,
    retryAfter: 1,
  });
}

/** The connection broke when the change may have been made. */
export function outcomeUnknown(cause: unknown): AgentPayError {
  return new AgentPayError('outcome_unknown', 'The database did not confirm the change.', { cause });
}

/** No connection that was tried takes writes, as during a failover. */
export function readOnly(cause?: unknown): AgentPayError {
  return new AgentPayError('unavailable', 'The database takes no writes now.', { cause, retryAfter: 1 });
}

/** What a caller gets for an error of a statement that changed nothing. */
export function translated(error: unknown): unknown {
  if (sqlState(error) === LOCK_TIMEOUT)
    return new AgentPayError('unavailable', 'Another request holds what this one needs.', {
      reason: 'busy',
      cause: error,
      retryAfter: 1,
    });
  return isUnusable(error) ? readOnly(error) : error;
}
