import { manualClock } from '@agentpay/primitives';
import { rateLimiterCases, testRedis } from '@agentpay/testing';
import { memoryRateLimiter, redisRateLimiter } from '@agentpay/tracker';
import fc from 'fast-check';

rateLimiterCases('memory', async (clock) => ({ limiter: memoryRateLimiter(clock), close: async () => {} }));

rateLimiterCases('Redis', async (clock) => {
  const { redis, prefix, close } = await testRedis();
  return { limiter: redisRateLimiter(redis, { clock, prefix }), close };
});

describe.each(['memory', 'Redis'])('RateLimiter: %s, a clock set back an hour', (kind) => {
  it('keeps what the bucket holds and fills it on from there', async () => {
    const { redis, prefix, close } = await testRedis();
    let now = 1_800_000_000_000;
    const clock = { ...manualClock(0), now: () => now };
    const limiter = kind === 'memory' ? memoryRateLimiter(clock) : redisRateLimiter(redis, { clock, prefix });
    const limit = { perMinute: 60, burst: 2 };
    try {
      await limiter.take('k', limit);
      now -= 3_600_000;
      expect(await limiter.take('k', limit)).toMatchObject({ allowed: true, remaining: 0 });
      expect(await limiter.take('k', limit)).toMatchObject({ allowed: false, retryAfterMs: 1_000 });
      now += 1_000;
      expect(await limiter.take('k', limit)).toMatchObject({ allowed: true, remaining: 0 });
    } finally {
      await close();
    }
  });
});

describe('RateLimiter: Redis', () => {
  it('goes by the clock of Redis, whatever that of a process says', async () => {
    const { redis, prefix, close } = await testRedis();
    const time = async () => {
      const [seconds, micros] = await redis.time();
      return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    };
    try {
      const before = await time();
      await redisRateLimiter(redis, { prefix }).take('k', { perMinute: 1, burst: 1 });
      const stored = await redis.get(`${prefix}:rate:k`);
      const updated = Number(stored?.split(':')[1]);
      expect(updated).toBeGreaterThanOrEqual(before);
      expect(updated).toBeLessThanOrEqual(await time());
    } finally {
      await close();
    }
  });
});

describe('RateLimiter: memory and Redis', () => {
  it('give the same verdicts, also when the limit of a key changes and the clock runs back', async () => {
    const { redis, prefix, close } = await testRedis();
    let now = 1_800_000_000_000;
    const clock = { ...manualClock(0), now: () => now };
    const [memory, shared] = [memoryRateLimiter(clock), redisRateLimiter(redis, { clock, prefix })];
    const limit = fc.record({
      perMinute: fc.integer({ min: 1, max: 1_000_000 }),
      burst: fc.integer({ min: 1, max: 5 }),
    });
    const step = fc.record({
      limit,
      gap: fc.integer({ min: -5000, max: 50_000 }),
      key: fc.constantFrom('a', 'b'),
    });
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
          for (const { limit: chosen, gap, key } of steps) {
            now += gap;
            expect(await shared.take(key, chosen)).toEqual(await memory.take(key, chosen));
          }
        }),
        { numRuns: 50 },
      );
    } finally {
      await close();
    }
  });
});
