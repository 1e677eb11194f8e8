import { AgentPayError, numberBounds } from '@agentpay/primitives';

/** Which part of a list somebody asks for. */
export interface PageRequest {
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  /** Instead of an offset: the `nextCursor` of the page before; empty at the beginning. */
  readonly cursor?: string | undefined;
}

/** {@link PageRequest} with its defaults. */
export interface Page extends PageRequest {
  readonly limit: number;
  readonly offset: number;
}

/** What a page says of the list beside its rows. */
export interface Counted {
  /** How many rows there are in all. */
  readonly total: number;
  /** Where the next page begins, when pages are asked for by cursor; null after the last. */
  readonly nextCursor?: string | null | undefined;
}

/**
 * The wanted part with its defaults: the first 20.
 * @throws AgentPayError `invalid_request` for a limit outside 1..100 or an offset outside 0..1000000
 */
export function page({ limit = numberBounds.pageSize, offset = 0, cursor }: PageRequest): Page {
  check('limit', limit, 1, numberBounds.pageLimit);
  check('offset', offset, 0, numberBounds.pageOffset);
  return { limit, offset, cursor };
}

function check(param: 'limit' | 'offset', value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const message = `${param} is not a whole number from ${least} to ${most}.`;
  throw new AgentPayError('invalid_request', message, { param });
}
