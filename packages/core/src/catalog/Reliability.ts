import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import type { Scene, Want } from '../batch/index.js';
import { dayOf, daysBetween } from '../calendar.js';
import { ifGiven, table } from '../table.js';

/** How a call ended: the agent did it, refused what was asked, or did not answer as it should. */
export type CallEnding =
  | { readonly ending: 'done'; readonly ms: number }
  | { readonly ending: 'refused' | 'down' };

/** How well one listing, or all of them, answered. */
export interface Reliability {
  readonly calls: number;
  /** Percent of calls that were answered, two decimals, rounded down; 100 without a call. */
  readonly uptimePct: number;
  /** 95 % of the calls that were done took at most so long, to 5 %; 0 without one. */
  readonly p95Ms: number;
}

/** Calls of one day that ended alike. */
interface CallCount {
  readonly listingId: string;
  readonly day: string;
  /** `refused`, `down`, or the class of how long it took. */
  readonly ending: string;
  readonly calls: bigint;
}

const counts = entity<CallCount>({
  table: table<CallCount>('listing_calls', {
    listingId: 'text',
    day: 'text',
    ending: 'text',
    calls: 'bigint',
  }),
  key: ['listingId', 'day', 'ending'],
  guard: ['calls'],
  changes: ['calls'],
  blank: (listingId = '', day = '', ending = '') => ({ listingId, day, ending, calls: 0n }),
  rank: 75,
});

/** Each class reaches 5 % further than the one before it. */
const STEP = Math.log(1.05);

/** The class of a time: the least whose end is not below it. */
export function classOf(ms: number): number {
  return ms <= 1 ? 0 : Math.ceil(Math.log(ms) / STEP - 1e-9);
}

/** The longest time of a class. */
export function endOfClass(time: number): number {
  return Math.ceil(Math.exp(time * STEP) - 1e-9);
}

type Ended = { readonly listingId: string; readonly atMs: number; readonly how: CallEnding };

const keyOf = ({ listingId, atMs, how }: Ended) =>
  [listingId, dayOf(atMs), how.ending === 'done' ? String(classOf(how.ms)) : how.ending] as const;

/** The row that {@link countCallIn} asks for. */
export function countCallWants(ended: Ended): Want[] {
  return [[counts, keyOf(ended)]];
}

/** Counts a call that ended, in the batch that ends it. */
export function countCallIn(scene: Scene, ended: Ended): void {
  const [listingId, day, ending] = keyOf(ended);
  const before = scene.find(counts, listingId, day, ending);
  if (before) scene.update(counts, before, { calls: before.calls + 1n });
  else scene.insert(counts, { listingId, day, ending, calls: 1n });
}

/** How calls of the days from `from` until before `to` were answered: of one listing, or of all. */
export async function reliability(
  db: Queryable,
  { listingId = null, from, to }: { listingId?: string | null; from: string; to: string },
): Promise<Reliability> {
  // Day by day: a plan that is kept takes a range of days for small, and would read those of every listing.
  const rows = await db.query<{ ending: string; calls: bigint }>(
    `select ending, sum(calls)::bigint as calls from unnest($2::text[]) as wanted (day) join listing_calls using (day)
     where ${ifGiven(listingId, 'listing_id = $1')} group by ending`,
    [listingId, daysBetween(from, to)],
  );
  return summarize(rows.map(({ ending, calls }) => ({ ending, calls: Number(calls) })));
}

/** What the counts say. */
export function summarize(rows: readonly { readonly ending: string; readonly calls: number }[]): Reliability {
  const sum = (some: readonly { readonly calls: number }[]) =>
    some.reduce((total, { calls }) => total + calls, 0);
  const calls = sum(rows);
  const down = sum(rows.filter(({ ending }) => ending === 'down'));
  const uptimePct = calls === 0 ? 100 : Math.floor(((calls - down) * 10_000) / calls) / 100;
  const done = rows
    .filter(({ ending }) => /^\d+$/.test(ending))
    .map(({ ending, calls: n }) => ({ time: Number(ending), calls: n }))
    .sort((a, b) => a.time - b.time);
  return { calls, uptimePct, p95Ms: quantile(done, 0.95) };
}

function quantile(
  classes: readonly { readonly time: number; readonly calls: number }[],
  part: number,
): number {
  const wanted = Math.ceil(classes.reduce((total, { calls }) => total + calls, 0) * part);
  let seen = 0;
  for (const { time, calls } of classes) {
    seen += calls;
    if (seen >= wanted) return endOfClass(time);
  }
  return 0;
}
