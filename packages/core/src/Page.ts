import { AgentPayError, numberBounds } from '@agentpay/primitives';

/** Which part of a list is wanted. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

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
  if (!Number.isInteger(limit) || limit < 1 || limit > numberBounds.pageLimit) {
    throw new AgentPayError(
      'invalid_request',
      `limit is not a whole number from 1 to ${numberBounds.pageLimit}.`,
      {
        param: 'limit',
      },
    );
  }
  if (!Number.isInteger(offset) || offset < 0 || offset > numberBounds.pageOffset) {
    throw new AgentPayError(
      'invalid_request',
      `offset is not a whole number from 0 to ${numberBounds.pageOffset}.`,
      {
        param: 'offset',
      },
    );
  }
  return { limit, offset };
}
