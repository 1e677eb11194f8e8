import pg from 'pg';
import { parseTimestamp, TIMESTAMP, TIMESTAMPTZ } from './timestamp.js';

const INT8 = 20;
const INT8_ARRAY = 1016;
const TIMESTAMPTZ_ARRAY = 1185;

/** What the values of a row become: int8 a bigint (the driver would give text), timestamps a Date or an error (it would give null). */
export function valueTypes(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides();
  const texts = (pg.types.getTypeParser as (oid: number) => (value: string) => (string | null)[])(INT8_ARRAY);
  const each =
    <Value>(parse: (text: string) => Value) =>
    (value: string) =>
      texts(value).map((text) => (text === null ? null : parse(text)));
  types.setTypeParser(INT8, BigInt);
  types.setTypeParser(INT8_ARRAY, each(BigInt));
  types.setTypeParser(TIMESTAMP, parseTimestamp);
  types.setTypeParser(TIMESTAMPTZ, parseTimestamp);
  types.setTypeParser(TIMESTAMPTZ_ARRAY, each(parseTimestamp));
  return types;
}
