import { memoize } from '@agentpay/primitives';
import type { SqlValue } from '@agentpay/primitives';

/** Types of columns, as SQL names them. */
export type ColumnType =
  | 'text'
  | 'bigint'
  | 'integer'
  | 'boolean'
  | 'timestamptz'
  | 'text[]'
  | 'json'
  | 'jsonb'
  | 'numeric'
  | 'float8'
  | 'bytea';

export type Fields<Row> = { readonly [Field in keyof Row]-?: ColumnType };

/** More than all tables have. */
const MAX_FIELDS = 2000;

/** The column of a field. */
export const column = memoize(MAX_FIELDS, (field: string): string =>
  field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
);

/** A value of a field as a parameter. */
export function toSql(value: unknown, type: ColumnType): SqlValue {
  if (isJson(type) && value !== null) return JSON.stringify(value);
  return value as SqlValue;
}

export function isJson(type: ColumnType): boolean {
  return type === 'json' || type === 'jsonb';
}
