import type { Db } from '@agentpay/primitives';
import { openDb } from './openDb.js';
import { simulate, type History } from './simulate.js';

const SEEDS = 60;
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

  it('is the same history for the same seed', async () => {
    const seed = seeds[0] as number;
    expect(await simulate(seed, db)).toEqual(await simulate(seed, db));
  }, 60_000);
});
