import { eventually, startRedis, type RedisServer } from '@agentpay/testing';
import { connectRedis, redisStore, redisTracker } from '@agentpay/tracker';

/** Long enough for a busy machine. */
const PATIENT = { commandTimeoutMs: 300_000, connectTimeoutMs: 300_000 };
const BOUND_MS = 60_000;
const LONG = 600_000;

/** How an operation ended, and that it ended in time. */
async function within<T>(operation: Promise<T>): Promise<PromiseSettledResult<T>> {
  const start = performance.now();
  const [result] = await Promise.allSettled([operation]);
  expect(performance.now() - start).toBeLessThan(BOUND_MS);
  return result;
}

describe('Redis in trouble', () => {
  let server: RedisServer;
  let redis: Awaited<ReturnType<typeof connectRedis>>;
  let lines: string[];
  beforeEach(async () => {
    server = await startRedis();
    lines = [];
    redis = await connectRedis(server.url, { ...PATIENT, log: (line) => lines.push(line) });
  });
  afterEach(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('stopped: every method rejects within the bound; started again: works without a restart, empty', async () => {
    const store = redisStore(redis);
    const tracker = redisTracker(redis);
    await store.put('k', 'a', { expected: 0, ttlMs: LONG });
    await tracker.track({ tokenId: 't', state: 'reserved', deadlineMs: 1 });

    await server.stop();
    const away = await Promise.all([
      within(store.get('k')),
      within(store.put('k', 'b', { expected: 1, ttlMs: LONG })),
      within(store.delete('k', { expected: 1 })),
      within(tracker.track({ tokenId: 'u', state: 'reserved', deadlineMs: 1 })),
      within(tracker.redeem('t')),
      within(tracker.forget('t')),
      within(tracker.due({ nowMs: 2, limit: 10, leaseMs: 1 })),
    ]);
    expect(away.map(({ status }) => status)).toEqual(Array(7).fill('rejected'));

    await server.start();
    expect(await eventually(() => store.get('k'))).toBeUndefined();
    expect(await store.put('k', 'c', { expected: 0, ttlMs: LONG })).toBe(1);
    expect(await tracker.redeem('t')).toBe('unknown');
    expect(await tracker.due({ nowMs: 2, limit: 10, leaseMs: 1 })).toEqual([]);
    expect(lines).toEqual([expect.stringMatching(/^Redis is away: /), 'Redis is back.']);
  });

  it('stopped under load: every one of 50 redeems ends within the bound, at most one as first', async () => {
    const tracker = redisTracker(redis);
    await tracker.track({ tokenId: 't', state: 'reserved', deadlineMs: 1 });
    const redeems = Array.from({ length: 50 }, () => within(tracker.redeem('t')));
    await server.stop();
    const results = await Promise.all(redeems);
    const hints = results.map((result) => (result.status === 'fulfilled' ? result.value : 'rejected'));
    expect(hints.filter((hint) => hint === 'first').length).toBeLessThanOrEqual(1);
    expect(hints).not.toContain('unknown');
  });

  it('hanging: rejects within the bound, and works once it answers again', async () => {
    await redisStore(redis).put('k', 'a', { expected: 0, ttlMs: LONG });
    const hurried = await connectRedis(server.url, { ...PATIENT, commandTimeoutMs: 300 });
    try {
      const store = redisStore(hurried);
      await eventually(() => store.get('k'));
      server.freeze();
      expect((await within(store.get('k'))).status).toBe('rejected');
      expect((await within(store.put('other', 'x', { expected: 0, ttlMs: LONG }))).status).toBe('rejected');
      server.thaw();
      expect(await eventually(() => store.get('k'))).toEqual({ value: 'a', version: 1 });
    } finally {
      hurried.disconnect();
    }
  });

  it('flushed, scripts too: reads as absent and unknown, never as an error', async () => {
    const store = redisStore(redis);
    const tracker = redisTracker(redis);
    await store.put('k', 'a', { expected: 0, ttlMs: LONG });
    await tracker.track({ tokenId: 't', state: 'reserved', deadlineMs: 1 });
    expect(await tracker.redeem('t')).toBe('first');
    await server.flush();
    expect(await store.get('k')).toBeUndefined();
    expect(await store.put('k', 'b', { expected: 1, ttlMs: LONG })).toBeUndefined();
    expect(await store.delete('k', { expected: 1 })).toBe(false);
    expect(await store.put('k', 'b', { expected: 0, ttlMs: LONG })).toBe(1);
    expect(await tracker.redeem('t')).toBe('unknown');
    await tracker.forget('t');
    expect(await tracker.due({ nowMs: 2, limit: 10, leaseMs: 1 })).toEqual([]);
  });

  it('evicting: says so once at the start', async () => {
    await redis.config('SET', 'maxmemory', '100mb');
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const warned: string[] = [];
    const second = await connectRedis(server.url, { ...PATIENT, log: (line) => warned.push(line) });
    await eventually(() => expect(warned).toEqual([expect.stringContaining('allkeys-lru')]));
    await second.quit();
    expect(warned).toHaveLength(1);
  });

  it('two processes of their own connection share claims: one of 2 x 25 writers and redeems wins', async () => {
    const other = await connectRedis(server.url, PATIENT);
    try {
      const stores = [redisStore(redis), redisStore(other)];
      const trackers = [redisTracker(redis), redisTracker(other)];
      await trackers[0]?.track({ tokenId: 't', state: 'reserved', deadlineMs: 1 });
      const puts = stores.flatMap((store) =>
        Array.from({ length: 25 }, () => store.put('k', 'x', { expected: 0, ttlMs: LONG })),
      );
      const redeems = trackers.flatMap((tracker) => Array.from({ length: 25 }, () => tracker.redeem('t')));
      expect((await Promise.all(puts)).filter((version) => version === 1)).toHaveLength(1);
      expect((await Promise.all(redeems)).filter((hint) => hint === 'first')).toHaveLength(1);
    } finally {
      other.disconnect();
    }
  });
});
