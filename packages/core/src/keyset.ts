import { AgentPayError, isPlainText } from '@agentpay/primitives';
import type { SqlValue } from '@agentpay/primitives';
import { column } from './columns.js';
import type { ColumnType, Fields } from './columns.js';
import type { Counted, Page } from './Page.js';

/**
 * The order of a list: fields that no two rows have alike together, all of them one way. A number with a minus goes the other way.
 *
 * @example
 * const order: ListOrder<Service> = { by: ['-trustScore', 'createdAt', 'id'] };
 */
export interface ListOrder<Row> {
  readonly by: readonly (Field<Row> | `-${Field<Row>}`)[];
  readonly descending?: true;
}

type Field<Row> = keyof Row & string;

export const newestFirst = { by: ['createdAt', 'id'], descending: true } as const;

/** How a list is read page by page: by position, or from the place of the last row that was given. */
export interface Keyset<Row> {
  part(wanted: Page, params: readonly SqlValue[]): KeysetPart;
  /** The wanted rows of those that were read, and by cursor where the next page begins. */
  page(rows: readonly Row[], wanted: Page): { rows: Row[] } & Pick<Counted, 'nextCursor'>;
}

/** A page as SQL. One row more than wanted is read. */
export interface KeysetPart {
  /** What follows the condition of the list: from where on, the order, how many. */
  readonly text: string;
  /** The same of one list among several that make up the whole, with what stands before the page. */
  readonly ofOne: string;
  /** What follows the lists that make up the whole. */
  readonly ofAll: string;
  readonly params: SqlValue[];
}

export function keysetOf<Row extends object>(
  fields: Pick<Fields<Row>, Field<Row>>,
  { by, descending }: ListOrder<Row>,
): Keyset<Row> {
  const keys = by.map((name) => keyOf(fields, name));
  const orderBy = keys.map(({ sql }) => (descending ? `${sql} desc` : sql)).join(', ');
  const cursorAt = (row: Row) => cursorOf(keys.map(({ of }) => of(row)));

  return {
    part({ limit, offset, cursor }, before) {
      const params = [...before];
      const place = cursor === undefined ? undefined : placeIn(cursor, keys);
      let after = '';
      if (place) {
        const values = keys.map(({ type }, i) => `$${params.push(place[i] as SqlValue)}::${type}`);
        const terms = keys.map(({ sql }) => sql).join(', ');
        after = ` and (${terms}) ${descending ? '<' : '>'} (${values.join(', ')})`;
      }
      const order = ` order by ${orderBy}`;
      const count = `$${params.push(limit + 1)}`;
      const start = `$${params.push(cursor === undefined ? offset : 0)}`;
      const ofAll = `${order} limit ${count} offset ${start}`;
      return {
        text: after + ofAll,
        ofOne: `${after}${order} limit ${count}::bigint + ${start}::bigint`,
        ofAll,
        params,
      };
    },
    page: (rows, wanted) => cut(rows, wanted, cursorAt),
  };
}

/**
 * A page of rows that are all at hand, in their order.
 * @param key what each row has alone; `compare` orders it, `isKey` tells whether a text may be one
 * @throws AgentPayError `invalid_request` for a cursor that no page named
 */
export function pageOf<Row>(
  all: readonly Row[],
  wanted: Page,
  key: { of(row: Row): string; compare(a: string, b: string): number; isKey(text: string): boolean },
): { rows: Row[] } & Counted {
  const { cursor, offset, limit } = wanted;
  let start = cursor === undefined ? offset : 0;
  const [last] = cursor === undefined ? [] : (placeIn(cursor, [{ check: isText(key.isKey) }]) ?? []);
  if (last !== undefined) {
    const next = all.findIndex((row) => key.compare(key.of(row), last as string) > 0);
    start = next < 0 ? all.length : next;
  }
  const found = cut(all.slice(start, start + limit + 1), wanted, (row) => cursorOf([key.of(row)]));
  return { ...found, total: all.length };
}

function cut<Row>(read: readonly Row[], { limit, cursor }: Page, cursorAt: (row: Row) => string) {
  const rows = read.slice(0, limit);
  if (cursor === undefined) return { rows };
  const last = read.length > limit ? rows.at(-1) : undefined;
  return { rows, nextCursor: last ? cursorAt(last) : null };
}

type Place = readonly (string | number)[];

/** What one field of an order is in SQL, in a row and in a cursor. */
interface Key<Row> {
  readonly sql: string;
  readonly type: ColumnType;
  readonly of: (row: Row) => string | number;
  readonly check: (value: unknown) => SqlValue | undefined;
}

function keyOf<Row extends object>(fields: Fields<Row>, name: string): Key<Row> {
  const sign = name.startsWith('-') ? '-' : '';
  const field = name.slice(sign.length) as Field<Row>;
  const type = fields[field];
  const of = (row: Row) => {
    const value = row[field];
    if (value instanceof Date) return value.getTime();
    if (typeof value === 'string') return value;
    return sign ? -Number(value) : Number(value);
  };
  return { sql: `${sign}${column(field)}`, type, of, check: checks[type as keyof typeof checks] };
}

const isText = (allowed: (text: string) => boolean) => (value: unknown) =>
  typeof value === 'string' && allowed(value) ? value : undefined;

const isBelow = (bound: number) => (value: unknown) =>
  Number.isInteger(value) && Math.abs(value as number) < bound ? (value as number) : undefined;

/** The value of a cursor as the database compares it; undefined for one that it cannot. Times are ms since 1970. */
const checks = {
  integer: isBelow(2 ** 31),
  float8: (value: unknown) => (Number.isFinite(value) ? (value as number) : undefined),
  timestamptz: (value: unknown) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) < 1e14
      ? new Date(value as number)
      : undefined,
  text: isText(isPlainText),
} as const;

/** The text by which a list is continued: the place of the last row that was given. */
function cursorOf(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/**
 * The place that a cursor names; undefined for the empty one, which stands before the first row.
 * @throws AgentPayError `invalid_request` for anything that {@link cursorOf} did not write for such a list
 */
function placeIn(cursor: string, keys: readonly Pick<Key<never>, 'check'>[]): SqlValue[] | undefined {
  if (cursor === '') return undefined;
  const place = decoded(cursor);
  if (Array.isArray(place) && place.length === keys.length) {
    const values = keys.map(({ check }, i) => check(place[i]));
    if (!values.includes(undefined as never)) return values as SqlValue[];
  }
  throw new AgentPayError('invalid_request', 'The cursor is not one that a page named.', { param: 'cursor' });
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
