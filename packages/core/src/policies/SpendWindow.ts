import type { Amount } from '@agentpay/primitives';
import { dayOf, monthOf } from '../calendar.js';

/** What a party has spent: in the calendar day and month (UTC) of its last spending, and in all. */
export interface SpendWindow {
  readonly partyId: string;
  /** `all`, or `seller:` and the payee. */
  readonly scope: string;
  /** "2026-05-08" */
  readonly day: string;
  readonly daySpent: Amount;
  /** "2026-05" */
  readonly month: string;
  readonly monthSpent: Amount;
  readonly totalSpent: Amount;
  /** Spending from then on is counted. */
  readonly since: Date;
}

/** A window in which nothing was spent. */
export function emptyWindow(partyId = '', scope = ''): SpendWindow {
  const nothing = { daySpent: 0n, monthSpent: 0n, totalSpent: 0n };
  return { partyId, scope, day: '', month: '', ...nothing, since: new Date(0) };
}

export type Period = 'day' | 'month' | 'total';

/** When the period of a moment ends; null: never. */
export function endOf(period: Period, atMs: number): Date | null {
  if (period === 'total') return null;
  const at = new Date(atMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  return new Date(period === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1));
}

/** What was spent in the period of a moment. */
export function spentIn(window: SpendWindow | undefined, period: Period, atMs: number): Amount {
  if (!window) return 0n;
  if (period === 'total') return window.totalSpent;
  // A window may be ahead of the clock of this machine, never behind what counts.
  if (period === 'day') return window.day >= dayOf(atMs) ? window.daySpent : 0n;
  return window.month >= monthOf(atMs) ? window.monthSpent : 0n;
}

/** The window after a spending. */
export function spend(
  window: SpendWindow | undefined,
  of: Pick<SpendWindow, 'partyId' | 'scope'>,
  { amount, atMs }: { amount: Amount; atMs: number },
): SpendWindow {
  const [day, month] = [dayOf(atMs), monthOf(atMs)];
  return {
    partyId: of.partyId,
    scope: of.scope,
    day: window && window.day > day ? window.day : day,
    daySpent: spentIn(window, 'day', atMs) + amount,
    month: window && window.month > month ? window.month : month,
    monthSpent: spentIn(window, 'month', atMs) + amount,
    totalSpent: spentIn(window, 'total', atMs) + amount,
    since: window && window.day !== '' ? window.since : new Date(atMs),
  };
}

/** The window after a spending of a moment turned out not to be one. */
export function unspend(
  window: SpendWindow,
  { amount, atMs }: { amount: Amount; atMs: number },
): SpendWindow {
  if (window.day === '' || atMs < window.since.getTime()) return window;
  const less = (spent: Amount) => (spent > amount ? spent - amount : 0n);
  return {
    ...window,
    daySpent: window.day === dayOf(atMs) ? less(window.daySpent) : window.daySpent,
    monthSpent: window.month === monthOf(atMs) ? less(window.monthSpent) : window.monthSpent,
    totalSpent: less(window.totalSpent),
  };
}
