import { formatMoney } from '@agentpay/primitives';

/** How the values of a column are written, sorted and exported. */
export type Kind = 'text' | 'money' | 'time' | 'status' | 'code' | 'number' | 'flag' | 'json' | 'long';

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** A moment as the reader's place writes it. */
export function time(at: Date): string {
  return clock.format(at);
}

/** Money, which the API gives in millionths, as people read it. */
export function money(amount: bigint): string {
  return formatMoney(amount);
}

/** A value as text: in a cell, in a filter, in CSV (`exact`). */
export function plain(value: unknown, exact = false): string {
  if (value === null || value === undefined) return exact ? '' : '–';
  if (typeof value === 'bigint') return money(value);
  if (value instanceof Date) return exact ? value.toISOString() : time(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map((each) => plain(each, exact)).join(', ');
  if (typeof value === 'object') return JSON.stringify(value, (_, each: unknown) => readable(each));
  return String(value);
}

function readable(value: unknown): unknown {
  return typeof value === 'bigint' ? money(value) : value;
}

const OK = /^(active|completed|confirmed|delivered|settled|paid|approved|resolved|accepted|ready)/;
const BAD =
  /^(failed|rejected|dead|disabled|archived|revoked|denied|breached|overdue|suspended|refused|expired)/;
const WAITING = /^(pending|open|reserved|processing|queued|held|invited|under_review|draft|requested|trial)/;

/** Class of the badge of a status. */
export function tone(status: string): string {
  if (OK.test(status)) return 'badge ok';
  if (BAD.test(status)) return 'badge danger';
  return WAITING.test(status) ? 'badge warning' : 'badge';
}

/** Rows as CSV (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe. */
export function csv(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
