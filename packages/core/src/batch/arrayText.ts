import { types } from 'node:util';
import { memoize } from '@agentpay/primitives';
import type { SqlValue } from '@agentpay/primitives';

/**
 * A one-dimensional array as PostgreSQL reads it. The driver would write the same, for several times the work: columns of a batch are
 * the longest part of what is sent.
 */
export function arrayText(values: readonly SqlValue[]): string {
  if (values.every(isText)) {
    const json = JSON.stringify(values);
    // Quotes and backslashes are escaped alike, anything else is not.
    if (!json.includes('\\') || !/\\[^"\\]/.test(json)) return `{${json.slice(1, -1)}}`;
  }
  return `{${values.map(elementText).join(',')}}`;
}

function isText(value: SqlValue): boolean {
  return typeof value === 'string' || value === null;
}

/** Rows of one batch are made within the same few milliseconds. */
const timeText = memoize(1, (ms: number) => `"${new Date(ms).toISOString()}"`);

function elementText(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`;
  if (types.isDate(value)) return timeText(value.getTime());
  if (types.isUint8Array(value)) return `"\\\\x${Buffer.from(value).toString('hex')}"`;
  if (typeof value === 'object') throw new TypeError('An array has no text within another one.');
  return String(value);
}
