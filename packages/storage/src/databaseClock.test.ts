import { manualClock, type MachineClock, type Queryable } from '@agentpay/primitives';
import { databaseClock, type DatabaseClock } from './databaseClock.js';

const DATABASE_START = Date.UTC(2026, 4, 8);
const MINUTE = 60_000;

/** A machine whose clock can be set, and a database that is some way away from it. */
async function bed({ aheadMs = 0, onMeasured = (_ms: number): void => undefined } = {}) {
  const time = manualClock(0);
  const world = { aheadMs, asleepMs: 0, thereMs: 0, backMs: 0, down: false, asked: 0, sets: 0 };
  const machine: MachineClock = {
    now: () => DATABASE_START + time.now() + world.aheadMs,
    elapsed: () => 12_345.5 + time.now() - world.asleepMs,
    timer: time.timer,
  };
  const db: Queryable = {
    async query<Row>() {
      world.asked++;
      if (world.down) throw new Error('away');
      time.advance(world.thereMs);
      const now = new Date(databaseNow());
      time.advance(world.backMs);
      return [{ now }] as Row[];
    },
  };
  const databaseNow = () => DATABASE_START + time.now() + world.sets;
  const clock: DatabaseClock = await databaseClock(db, { machine, onMeasured });
  const offMs = () => clock.now() - databaseNow();
  return { clock, world, time, offMs };
}

describe('databaseClock', () => {
  it.each([10 * MINUTE, -60 * MINUTE, 0])(
    'tells the time of the database on a machine %i ms ahead',
    async (aheadMs) => {
      const { clock, offMs, time } = await bed({ aheadMs });
      expect(offMs()).toBeCloseTo(0, -1);
      time.advance(MINUTE / 4);
      expect(Math.abs(offMs())).toBeLessThanOrEqual(1);
      expect(Math.abs(clock.machineAheadMs() - aheadMs)).toBeLessThanOrEqual(1);
    },
  );

  it('goes on evenly when the clock of the machine is set, and says by how much it is off', async () => {
    const { clock, world, offMs } = await bed();
    for (const aheadMs of [10 * MINUTE, -60 * MINUTE, 0]) {
      world.aheadMs = aheadMs;
      expect(Math.abs(offMs())).toBeLessThanOrEqual(1);
      expect(Math.abs(clock.machineAheadMs() - aheadMs)).toBeLessThanOrEqual(1);
    }
  });

  it('asks at once after a sleep of the machine, during which nothing elapsed', async () => {
    const { clock, world, time, offMs } = await bed();
    time.advance(10 * MINUTE);
    await clock.measure();
    time.advance(1_000);
    world.asleepMs = 5 * MINUTE;
    expect(offMs()).toBeLessThan(-4 * MINUTE);
    await clock.measure(); // the one that is under way
    expect(Math.abs(offMs())).toBeLessThanOrEqual(1);
  });

  it('follows the database every half minute, and keeps the time when it cannot ask', async () => {
    const { clock, world, time, offMs } = await bed();
    world.sets = 10_000;
    world.down = true;
    time.advance(30_000);
    await expect(clock.measure()).rejects.toThrow('away');
    expect(Math.abs(offMs() + 10_000)).toBeLessThanOrEqual(1);
    world.down = false;
    await clock.measure();
    expect(Math.abs(offMs())).toBeLessThanOrEqual(1);
  });

  it('is not led astray by slow responses', async () => {
    const { clock, world, offMs } = await bed();
    for (const [thereMs, backMs] of [
      [0, 4_000],
      [4_000, 0],
      [1_500, 1_500],
    ] as const) {
      Object.assign(world, { thereMs, backMs });
      await clock.measure();
      expect(Math.abs(offMs())).toBeLessThanOrEqual(1);
    }
  });

  it('halves the first round trip, calls no clock off for it, and is put right by a quick one', async () => {
    const time = manualClock(DATABASE_START);
    const machine: MachineClock = { ...time, elapsed: time.now };
    let waits = [1_000, 3_000];
    const db: Queryable = {
      async query<Row>() {
        const now = () => new Date(time.now());
        time.advance(waits[0] ?? 0);
        const said = now();
        time.advance(waits[1] ?? 0);
        return [{ now: said }] as Row[];
      },
    };
    const clock = await databaseClock(db, { machine });
    expect(Math.abs(clock.now() - (time.now() - 1_000))).toBeLessThanOrEqual(1);
    expect(Math.abs(clock.machineAheadMs())).toBe(0);
    waits = [];
    await clock.measure();
    expect(Math.abs(clock.now() - time.now())).toBeLessThanOrEqual(1);
  });

  it('asks no more once it is stopped', async () => {
    const { clock, world, time } = await bed();
    clock.stop();
    const { asked } = world;
    time.advance(10 * MINUTE);
    world.aheadMs = MINUTE;
    clock.now();
    expect(world.asked).toBe(asked);
  });
});
