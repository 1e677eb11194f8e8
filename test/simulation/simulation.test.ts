import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '@agentpay/primitives';
import { openDb } from './openDb.js';
import { simulate, type History } from './simulate.js';

/** Those of every run; `npm run simulate` plays thousands. */
const SEEDS = 12;
const only = process.env['SEED'];
const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(only)];

describe('random histories of purchases, faults, reorganisations and crashes', () => {
  let db: Db;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());

  it(`${seeds.length} of them: one transfer and one grant per authorization, no success without transfer, none unreported`, async () => {
    const histories: History[] = [];
    for (const seed of seeds) histories.push(await simulate(seed, db));
    const settled = histories.reduce((sum, history) => sum + history.settled, 0);
    expect(settled).toBeGreaterThan(seeds.length);
    const orders = histories.reduce((sum, history) => sum + history.orders, 0);
    expect(only !== undefined || orders > 0).toBe(true);
  }, 600_000);

  it('is the same history for the same seed, however long the database takes', async () => {
    for (const seed of seeds.slice(0, 2))
      expect(await simulate(seed, unsteady(db))).toEqual(await simulate(seed, db));
  }, 600_000);
});

/** Gives every fourth result late. */
function unsteady(db: Db): Db {
  let calls = 0;
  const late = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    if (calls++ % 4 === 0) await sleep(2);
    return result;
  };
  return {
    ...db,
    query: (sql, params) => late(db.query(sql, params)),
    tx: (work) => late(db.tx(work)),
  };
}
