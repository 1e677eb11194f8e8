import { isAgentPayError, sqlState } from '@agentpay/primitives';

/** Why there is no usable connection to the database: one sentence for the operator, never for callers. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
}

/** The sentence for an error of the driver while it connected. */
export function connectFault(error: unknown): DatabaseFault {
  if (error instanceof DatabaseFault) return error;
  return new DatabaseFault(sentence(error), { cause: error });
}

/** What an operator should be told of an error that a start with a database ended in. */
export function startFault(error: unknown): string {
  if (isAgentPayError(error, 'unavailable') && error.cause instanceof DatabaseFault)
    return error.cause.message;
  const { message, code } = (error ?? {}) as { message?: string; code?: string };
  return message || code || String(error);
}

// The server's own words name role and database.
const byState: Readonly<Record<string, (said: string) => string>> = {
  '28P01': (said) => `PostgreSQL refuses the password in the URL: ${said}.`,
  '28000': (said) => `PostgreSQL does not let this role in: ${said}.`,
  '3D000': (said) => `The database in the URL does not exist: ${said}.`,
  '42501': (said) => `The role in the URL lacks a right: ${said}.`,
  '53300': (said) => `PostgreSQL has no connection left: ${said}.`,
  '57P03': (said) => `PostgreSQL is not ready yet: ${said}.`,
  '08P01': (said) => `The server or pooler in front of it refuses the connection: ${said}.`,
};

const byCode: Readonly<Record<string, (where: string) => string>> = {
  ECONNREFUSED: (where) => `No PostgreSQL listens at ${where}.`,
  ENOENT: (where) => `No PostgreSQL listens at the socket ${where}.`,
  ENOTFOUND: (where) => `The host name of the database is not known: ${where}.`,
  EAI_AGAIN: (where) => `The host name of the database cannot be looked up now: ${where}.`,
  EHOSTUNREACH: (where) => `The host of the database cannot be reached: ${where}.`,
  ENETUNREACH: (where) => `The host of the database cannot be reached: ${where}.`,
  ECONNRESET: (where) => `The connection to the database was reset${where && ` by ${where}`}.`,
};

function sentence(error: unknown): string {
  const fault = firstOf(error) as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
    hostname?: string;
  };
  const said = fault.message.replace(/\.$/, '');
  const byServer = byState[sqlState(fault) ?? ''];
  if (byServer) return byServer(said);
  const host = fault.hostname ?? fault.address ?? '';
  const where = fault.port === undefined ? host : `${host}:${fault.port}`;
  const byNetwork = byCode[fault.code ?? ''];
  if (byNetwork) return byNetwork(where);
  if (/timeout/i.test(said)) return 'The database gave no connection in time.';
  return `No connection to the database: ${said || fault.code || 'no reason given'}.`;
}

/** A name with several addresses fails with one error for each of them. */
function firstOf(error: unknown): Error {
  if (error instanceof AggregateError && error.errors.length > 0) return firstOf(error.errors[0]);
  return error instanceof Error || typeof (error as Error | null)?.message === 'string'
    ? (error as Error)
    : new Error(String(error));
}
