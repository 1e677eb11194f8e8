import { AgentPayError, isPlainText, numberBounds } from '@agentpay/primitives';

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

/** The text by which a list is continued: the place of the last row that was given. */
export function cursorOf(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** What stands in a cursor, and whether the database can compare with it. `time`: ms since 1970. */
const kinds = {
  integer: (value: unknown) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
  time: (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 1e14,
  text: (value: unknown) => typeof value === 'string' && isPlainText(value),
} as const;

/**
 * The place that a cursor names; undefined for the empty one, which stands before the first row.
 * @throws AgentPayError `invalid_request` for anything that {@link cursorOf} did not write for such a list
 */
export function placeIn(
  cursor: string,
  wanted: readonly (keyof typeof kinds)[],
): (string | number)[] | undefined {
  if (cursor === '') return undefined;
  const place = decoded(cursor);
  if (
    Array.isArray(place) &&
    place.length === wanted.length &&
    wanted.every((kind, i) => kinds[kind](place[i]))
  )
    return place as (string | number)[];
  throw new AgentPayError('invalid_request', 'The cursor is not one that a page named.', { param: 'cursor' });
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
