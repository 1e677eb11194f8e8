import type { OutgoingRequest } from '@agentpay/primitives';

/** A request with all that may be left out. */
export type WholeRequest = Required<Omit<OutgoingRequest, 'body' | 'signal'>> & Pick<OutgoingRequest, 'body'>;

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1_048_576;

export function complete(given: Omit<OutgoingRequest, 'signal'>): WholeRequest {
  return {
    method: 'GET',
    headers: {},
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    longer: 'refuse',
    maxRedirects: 0,
    ...given,
  };
}
