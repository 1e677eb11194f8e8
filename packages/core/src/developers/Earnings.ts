import type { Amount, Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import type { Scene, Want } from '../batch/index.js';
import { monthOf } from '../calendar.js';
import type { Core } from '../Core.js';
import { table } from '../table.js';

/** What a developer earned in a calendar month in UTC, fees taken off: a sum of what the books credited as earnings. */
export interface MonthEarnings {
  readonly developerId: string;
  /** "2026-05" */
  readonly month: string;
  /** Below zero when more was given back than earned. */
  readonly amount: Amount;
}

const months = entity<MonthEarnings>({
  table: table<MonthEarnings>('developer_earnings', { developerId: 'text', month: 'text', amount: 'bigint' }),
  key: ['developerId', 'month'],
  guard: ['amount'],
  changes: ['amount'],
  blank: (developerId = '', month = '') => ({ developerId, month, amount: 0n }),
  rank: 70,
});

/** The row that {@link earnIn} asks for, as far as it is known beforehand. */
export function earnWants(core: Pick<Core, 'clock'>, developerId: string): Want[] {
  return [[months, [developerId, monthOf(core.clock.now())]]];
}

/**
 * Counts what a journal of the same batch credits to a developer as earnings; below zero what one takes back. Everything that pays a
 * developer goes through here, so that a month is read without going through its calls.
 */
export function earnIn(
  core: Pick<Core, 'clock'>,
  scene: Scene,
  { developerId, amount }: { readonly developerId: string; readonly amount: Amount },
): void {
  if (amount === 0n) return;
  const month = monthOf(core.clock.now());
  const before = scene.find(months, developerId, month);
  if (before) scene.update(months, before, { amount: before.amount + amount });
  else scene.insert(months, { developerId, month, amount });
}

/** What a developer earned in a month. */
export async function earnedIn(
  db: Queryable,
  { developerId, month }: Pick<MonthEarnings, 'developerId' | 'month'>,
): Promise<Amount> {
  return (await months.table.find(db, { developerId, month }))?.amount ?? 0n;
}
