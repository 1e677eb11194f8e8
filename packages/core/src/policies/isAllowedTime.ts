import { memoize } from '@agentpay/primitives';
import type { Hours, Weekday } from './Rule.js';

const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Whether a rule allows a moment: by the wall clock of its time zone, so that summer time needs no case of its own. */
export function isAllowedTime(
  rule: { hours?: Hours | undefined; days?: readonly Weekday[] | undefined; timeZone: string },
  atMs: number,
): boolean {
  const { minute, day } = wallClock(rule.timeZone, atMs);
  if (!rule.hours) return onDay(rule.days, day);
  const [from, to] = [minutes(rule.hours.from), minutes(rule.hours.to)];
  if (from === to) return onDay(rule.days, day);
  if (from < to) return minute >= from && minute < to && onDay(rule.days, day);
  // Over midnight: the small hours belong to the day on which the span began.
  if (minute >= from) return onDay(rule.days, day);
  return minute < to && onDay(rule.days, (day + 6) % 7);
}

/** Minutes since midnight of "HH:MM". */
export function minutes(text: string): number {
  const [hour = '', minute = ''] = text.split(':');
  return Number(hour) * 60 + Number(minute);
}

function onDay(days: readonly Weekday[] | undefined, day: number): boolean {
  return days === undefined || days.includes(WEEKDAYS[day] as Weekday);
}

function wallClock(timeZone: string, atMs: number): { minute: number; day: number } {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  return {
    minute: (Number(parts['hour']) % 24) * 60 + Number(parts['minute']),
    day: WEEKDAYS.indexOf((parts['weekday'] ?? '').toLowerCase() as Weekday),
  };
}

const formatOf = memoize(
  64,
  (timeZone: string) =>
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }),
);
