/** Code of the error when no connection came about in time: nothing was sent. */
export const NO_CONNECTION = 'ERR_NO_CONNECTION';

/** Failures that happen before a request leaves the machine. */
const NOT_SENT = new Set<unknown>([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  NO_CONNECTION,
]);
/** fetch wraps what went wrong below it, some levels deep. */
const MAX_LEVELS = 4;

/** Whether a request failed before anything was sent, so that the other side certainly did nothing. */
export function wasNotSent(error: unknown, levels: number = MAX_LEVELS): boolean {
  if (typeof error !== 'object' || error === null || levels === 0) return false;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return NOT_SENT.has(code) || wasNotSent(cause, levels - 1);
}
