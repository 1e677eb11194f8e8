import { memoize } from '@agentpay/primitives';

export const DAY_MS = 86_400_000;
/** Every spending asks for today's. */
const textOfDay = memoize(2, (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10));

/** The day of a moment in UTC: "2026-05-08". */
export function dayOf(atMs: number): string {
  return textOfDay(Math.floor(atMs / DAY_MS));
}

/** The month of a moment in UTC: "2026-05". */
export function monthOf(atMs: number): string {
  return dayOf(atMs).slice(0, 7);
}

/** The days from one until before another: "2026-05-30" and "2026-06-01" give two. */
export function daysBetween(from: string, to: string): string[] {
  const [first, end] = [Date.parse(from) / DAY_MS, Date.parse(to) / DAY_MS];
  return Array.from({ length: Math.max(0, end - first) }, (_, n) => dayOf((first + n) * DAY_MS));
}
