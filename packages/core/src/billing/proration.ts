import type { Amount } from '@agentpay/primitives';

/** A time that something is paid for; the end is not part of it. */
export interface BillingPeriod {
  readonly start: Date;
  readonly end: Date;
}

/**
 * Parts a price by time: what falls before a moment and what after it, by the millisecond. The first is rounded half up, the second is the
 * rest, so that the two are always the whole.
 */
export function prorate(
  price: Amount,
  { start, end }: BillingPeriod,
  at: Date,
): { used: Amount; unused: Amount } {
  const whole = BigInt(end.getTime() - start.getTime());
  const passed = BigInt(Math.min(Math.max(at.getTime(), start.getTime()), end.getTime()) - start.getTime());
  const used = (2n * price * passed + whole) / (2n * whole);
  return { used, unused: price - used };
}

/**
 * The period with this number, from 0, of something that began at a moment: a calendar month in UTC from the same day and time on, or
 * from the last day of a month that is shorter. The end of one is the start of the next.
 */
export function monthlyPeriod(began: Date, number: number): BillingPeriod {
  return { start: monthsAfter(began, number), end: monthsAfter(began, number + 1) };
}

function monthsAfter(began: Date, months: number): Date {
  const [year, month] = [began.getUTCFullYear(), began.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = Math.min(began.getUTCDate(), lastDay);
  const timeOfDay = began.getTime() % 86_400_000;
  return new Date(Date.UTC(year, month, day) + timeOfDay);
}
