import { OutboundError } from '@agentpay/primitives';
import type { Deadline } from './deadline.js';

const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether a request ended because nobody waits for its response any more. */
export function isGivenUp(error: unknown): boolean {
  return error instanceof OutboundError && error.fault === 'aborted';
}

/** Why a request got no response, of whatever went wrong. */
export function asFault(error: unknown, deadline: Deadline): OutboundError {
  if (error instanceof OutboundError) return error;
  if (deadline.over) return deadline.over(true);
  const { code = '', message } = error as { code?: string; message?: string };
  if (NOT_CONNECTED.has(code) || /CERT|TLS|SSL|ALTNAME/.test(code))
    return new OutboundError('connection_failed', `No connection: ${message}`, false, { cause: error });
  if (/^(HPE_|UND_ERR_(HEADERS|RES|INFO|INVALID|NOT_SUPPORTED))/.test(code))
    return new OutboundError('malformed', `Not a response in HTTP: ${message}`, true, { cause: error });
  return new OutboundError('connection_failed', `The connection broke: ${message}`, true, { cause: error });
}
