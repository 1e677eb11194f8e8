import { AgentPayError } from '@agentpay/primitives';

/** Which part of a list is wanted. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

const MAX_LIMIT = 100;
const MAX_OFFSET = 1_000_000;

/**
 * The wanted part with its defaults: the first 20.
 * @throws AgentPayError `invalid_request` for a limit outside 1..100 or an offset outside 0..1000000
 */
export function page({
  limit = 20,
  offset = 0,
}: {
  limit?: number | undefined;
  offset?: number | undefined;
}): Page {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new AgentPayError('invalid_request', `limit is not a whole number from 1 to ${MAX_LIMIT}.`, {
      param: 'limit',
    });
  }
  if (!Number.isInteger(offset) || offset < 0 || offset > MAX_OFFSET) {
    throw new AgentPayError('invalid_request', `offset is not a whole number from 0 to ${MAX_OFFSET}.`, {
      param: 'offset',
    });
  }
  return { limit, offset };
}
