import { types } from 'node:util';
import type { SqlValue } from '@agentpay/primitives';

/**
 * A one-dimensional array as PostgreSQL reads it. The driver would write the same, for several times the work: columns of a batch are
 * the longest part of what is sent.
 */
export function arrayText(values: readonly SqlValue[]): string {
  let text = '';
  for (const value of values) text += `${text && ','}${elementText(value)}`;
  return `{${text}}`;
}

function elementText(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `"${escaped(value)}"`;
  if (types.isDate(value)) return `"${value.toISOString()}"`;
  if (types.isUint8Array(value)) return `"\\\\x${Buffer.from(value).toString('hex')}"`;
  if (typeof value === 'object') throw new TypeError('An array has no text within another one.');
  return String(value);
}

function escaped(text: string): string {
  return /["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text;
}
